/// Elements that come in at the back and go out at the front.
struct Queue<Element> {
    private var storage: [Element] = []
    private var head = 0

    var count: Int { storage.count - head }
    var first: Element? { head < storage.count ? storage[head] : nil }

    mutating func append(_ element: Element) { storage.append(element) }

    mutating func popFirst() -> Element? {
        guard let element = first else { return nil }
        head += 1
        // Moving half of them, when half are gone, costs each element one move.
        if head * 2 >= storage.count {
            storage.removeSubrange(..<head)
            head = 0
        }
        return element
    }
}
