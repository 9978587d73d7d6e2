/// A date and time of day, in UTC.
package struct CalendarTime: CustomStringConvertible {
    let year, month, day, hour, minute, second: Int
    /// 0 is Sunday.
    let weekday: Int

    package init(unixTime: Int) {
        // Howard Hinnant, "chrono-compatible low-level date algorithms", civil_from_days: 400-year eras that begin in
        // March.
        let (days, secondOfDay) = (
            unixTime.dividingFloored(by: 86_400), unixTime - unixTime.dividingFloored(by: 86_400) * 86_400
        )
        let shifted = days + 719_468
        let era = shifted.dividingFloored(by: 146_097)
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        // 1970 began on a Thursday.
        weekday = (days % 7 + 11) % 7
        hour = secondOfDay / 3600
        minute = secondOfDay / 60 % 60
        second = secondOfDay % 60
    }

    /// For example `2026-01-31 12:00:00`.
    package var description: String { "\(year)-\(Self.padded(month))-\(Self.padded(day)) \(timeOfDay)" }

    /// The format of C's asctime without its line end, for example `Sat Jan 31 12:00:00 2026`.
    /// - Parameter padding: the text before a one-digit day.
    /// - Returns: the date and time.
    package func asctime(padding: String = " ") -> String {
        let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        return "\(weekdays[weekday]) \(months[month - 1]) \(day < 10 ? padding : "")\(day) \(timeOfDay) \(year)"
    }

    private var timeOfDay: String { "\(Self.padded(hour)):\(Self.padded(minute)):\(Self.padded(second))" }

    private static func padded(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}

extension Int {
    fileprivate func dividingFloored(by divisor: Int) -> Int {
        self >= 0 ? self / divisor : -((-self + divisor - 1) / divisor)
    }
}
