/// Elements with numbers from 0 that stay the same. A removed element's number is used again.
struct MQTTSlots<Element> {
    private var elements: [Element?] = []
    private var free: [Int] = []

    /// The number of elements.
    var count: Int { elements.count - free.count }

    /// The numbers of the elements, ascending.
    var numbers: [Int] { elements.indices.filter { elements[$0] != nil } }

    mutating func insert(_ element: Element) -> Int {
        guard let number = free.popLast() else {
            elements.append(element)
            return elements.count - 1
        }
        elements[number] = element
        return number
    }

    mutating func remove(_ number: Int) {
        guard elements.indices.contains(number), elements[number] != nil else { return }
        elements[number] = nil
        free.append(number)
    }

    /// The element with a number; `nil` if there is none. Setting changes an element, and neither adds nor removes one.
    subscript(number: Int) -> Element? {
        get { elements.indices.contains(number) ? elements[number] : nil }
        _modify {
            precondition(elements.indices.contains(number), "slot \(number) was never used")
            yield &elements[number]
        }
    }
}
