extension Table {
    /// The absolute path of a file. Whether it is there is for whoever opens it to find out.
    func filePath(_ key: String, example: String) -> String? {
        text(key, example: example).flatMap { node, text in filePath(node, text, example: example) }
    }

    private func filePath(_ node: Node, _ text: String, example: String) -> String? {
        guard isAbsolutePath(node, text, example: example) else { return nil }
        guard !text.hasSuffix("/") else {
            let cure = "write the path of a file, such as \(quoted(example))"
            findings.report(node, "\(quoted(text)) is the path of a directory", cure)
            return nil
        }
        guard text.utf8.count <= Self.roomForFile else {
            findings.report(node, "is \(text.utf8.count) bytes long", "write a path of 1 to \(Self.roomForFile) bytes")
            return nil
        }
        return text
    }

    /// Whether `text` begins with a slash and is on one line; reported if not.
    func isAbsolutePath(_ node: Node, _ text: String, example: String) -> Bool {
        guard text.hasPrefix("/"), !text.unicodeScalars.contains(where: { $0.value < 0x20 }) else {
            let cure = "write a path that begins with '/', such as \(quoted(example))"
            findings.report(node, "\(quoted(text)) is not an absolute path", cure)
            return false
        }
        return true
    }

    /// A program, by its absolute path, and its arguments. Whether it is there is seen each time that it is run.
    func command(_ key: String, example: String) -> [String]? {
        guard let value = self[key] else { return nil }
        var words = [example]
        if case .text(let text) = value.value, text.hasPrefix("/") {
            words = text.split(separator: " ").map(String.init)
        }
        let list = words.map(quoted).joined(separator: ", ")
        let cure = "write \(key) = [\(list)], the program and its arguments: there is no shell"
        guard case .list(let elements) = value.value else {
            findings.report(value, "is \(value.kind), not a list", cure)
            return nil
        }
        guard !elements.isEmpty else {
            findings.report(value, "is an empty list", cure)
            return nil
        }
        let arguments = elements.enumerated().compactMap { index, element -> String? in
            guard case .text(let text) = element.value else {
                findings.report(element, "is \(element.kind), not text", "write it in double quotes")
                return nil
            }
            if index == 0 { return filePath(element, text, example: example) }
            guard text.utf8.count <= Self.roomForArgument else {
                let cure = "write arguments of at most \(Self.roomForArgument) bytes"
                findings.report(element, "is \(text.utf8.count) bytes long", cure)
                return nil
            }
            return text
        }
        return arguments.count == elements.count ? arguments : nil
    }

    /// A path has to fit `PATH_MAX`, 4096 bytes, with its NUL.
    private static let roomForFile = 4095
    /// An argument has to fit `MAX_ARG_STRLEN`, 32 pages, with its NUL (execve(2), "Limits on size of arguments").
    private static let roomForArgument = 32 * 4096 - 1
}
