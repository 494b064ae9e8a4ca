extension Table {
    /// The path of an HTTP request (RFC 9110 §7.1, origin-form).
    func requestPath(_ key: String) -> String? {
        guard let (node, path) = text(key, example: "/healthz") else { return nil }
        guard path.hasPrefix("/") else {
            findings.report(node, "\(quoted(path)) does not begin with '/'", "write a path such as \"/healthz\"")
            return nil
        }
        guard path.utf8.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") }) else {
            let cure = "write blanks, '#' and letters beyond ASCII as %20, %23 and so on"
            findings.report(node, "\(quoted(path)) cannot be sent as a path", cure)
            return nil
        }
        return path
    }

    /// The method of an HTTP request (RFC 9110 §9): upper-case letters, as all that are registered but those with a hyphen.
    func requestMethod(_ key: String) -> String? {
        let example = "HEAD"
        guard let (node, method) = text(key, example: example) else { return nil }
        let isWord = (1...32).contains(method.utf8.count) && method.utf8.allSatisfy(\.isASCIILetter)
        guard isWord, method == method.uppercased() else {
            let cure = "write \(quoted(isWord ? method.uppercased() : example)): 1 to 32 upper-case letters"
            findings.report(node, "\(quoted(method)) cannot be a method", cure)
            return nil
        }
        guard method != "CONNECT" else {
            // RFC 9110 §9.3.6: it names a host and a port instead.
            findings.report(node, "\"CONNECT\" asks for no path", "write another method, such as \(quoted(example))")
            return nil
        }
        return method
    }

    /// The value of a `Host` header (RFC 9110 §7.2).
    func requestHost(_ key: String) -> String? {
        guard let (node, host) = text(key, example: "www.example.com") else { return nil }
        let isValid = !host.isEmpty && host.utf8.allSatisfy { (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "/") }
        guard isValid else {
            findings.report(node, "\(quoted(host)) cannot be a host name", "write a name such as \"www.example.com\"")
            return nil
        }
        return host
    }

    /// The headers of a request, by their names. The ones that the request makes itself are refused.
    func requestHeaders(_ key: String) -> [AgentConfiguration.Check.HTTP.Header] {
        guard let value = self[key] else { return [] }
        let form = "write \(key) = { X-Name = \"value\" }"
        guard case .table(let pairs) = value.value else {
            findings.report(value, "is \(value.kind), not a table", form)
            return []
        }
        var seen: [String: (name: String, line: Int)] = [:]
        return pairs.compactMap { name, node in
            guard isHeaderName(name, node) else { return nil }
            if let other = seen[name.lowercased()] {
                let wrong = "is the same header as \(quoted(other.name)) (line \(other.line)): names have no case"
                findings.report(node, wrong, "remove one of the two")
                return nil
            }
            seen[name.lowercased()] = (name, node.line)
            return headerValue(node, form).map { .init(name: name, value: $0) }
        }
    }

    /// What a token may hold besides letters and digits (RFC 9110 §5.6.2).
    private static let tokenMarks = "!#$%&'*+-.^_`|~"

    private func isHeaderName(_ name: String, _ node: Node) -> Bool {
        guard !name.isEmpty, name.utf8.allSatisfy({ $0.isASCIIAlphanumeric(or: Self.tokenMarks) }) else {
            let cure = "write letters, digits and '-', such as X-Name"
            findings.report(node, "\(quoted(name)) cannot be the name of a header", cure)
            return false
        }
        switch name.lowercased() {
        case "host":
            findings.report(node, "is not set here", "write host = \"www.example.com\" beside http")
        case "connection", "content-length", "transfer-encoding":
            findings.report(node, "is set by the check itself, which sends no body and asks once", "remove it")
        default: return true
        }
        return false
    }

    /// RFC 9110 §5.5: no control characters; blanks around a value are not part of it.
    private func headerValue(_ node: Node, _ form: String) -> String? {
        guard case .text(let value) = node.value else {
            findings.report(node, "is \(node.kind), not text", form)
            return nil
        }
        guard value.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }), !value.hasPrefix(" "), !value.hasSuffix(" ") else {
            let cure = "write it on one line, without tabs, and without blanks before and behind it"
            findings.report(node, "\(quoted(value)) cannot be the value of a header", cure)
            return nil
        }
        return value
    }

    /// Status codes that count as success (RFC 9110 §15: 100 to 599), single ones and ranges.
    func statusCodes(_ key: String) -> [ClosedRange<Int>]? {
        let cure = "write \(key) = [200, \"300-399\"], codes of 100 to 599"
        guard let value = self[key] else { return nil }
        guard case .list(let elements) = value.value else { return statusCodes(value, cure).map { [$0] } }
        if elements.isEmpty { findings.report(value, "is an empty list", cure) }
        return elements.compactMap { statusCodes($0, cure) }
    }

    private func statusCodes(_ node: Node, _ cure: String) -> ClosedRange<Int>? {
        guard case .text(let text) = node.value else { return integer(node, in: 100...599, cure).map { $0...$0 } }
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        let codes = parts.compactMap { part in
            part.utf8.count == 3 && part.utf8.allSatisfy(\.isASCIIDigit) ? Int(part) : nil
        }
        guard codes.count == parts.count, let first = codes.first, let last = codes.last, codes.count <= 2 else {
            findings.report(node, "\(quoted(text)) is not a range of status codes", cure)
            return nil
        }
        guard codes.count == 2 else {
            findings.report(node, "\(quoted(text)) is text", "write the number \(first), or \"\(first)-\(first)\"")
            return nil
        }
        guard first <= last else {
            findings.report(node, "\(quoted(text)) ends before it begins", "write \"\(last)-\(first)\"")
            return nil
        }
        guard first >= 100, last <= 599 else {
            findings.report(node, "\(quoted(text)) is out of range", cure)
            return nil
        }
        return first...last
    }
}
