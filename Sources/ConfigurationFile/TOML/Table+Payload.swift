extension Table {
    /// Text to be sent or looked for: its bytes in UTF-8, as many as `room` says.
    func payload(_ key: String, example: String, room: ClosedRange<Int>) -> String? {
        guard let (node, text) = text(key, example: example) else { return nil }
        guard room.contains(text.utf8.count) else {
            let wrong = text.isEmpty ? "is empty" : "is \(text.utf8.count) bytes long"
            findings.report(node, wrong, "write \(room.lowerBound) to \(room.upperBound) bytes")
            return nil
        }
        return text
    }

    /// The name of a service of gRPC. The protocol leaves it open and suggests `package.Service`; empty: the server as a whole
    /// (grpc/doc/health-checking.md).
    func grpcService(_ key: String) -> String? {
        guard let (node, name) = text(key, example: "package.Service") else { return nil }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        let isName =
            name.utf8.count <= 255
            && parts.allSatisfy { !$0.isEmpty && $0.utf8.allSatisfy { $0.isASCIIAlphanumeric(or: "_-") } }
        guard name.isEmpty || isName else {
            let cure =
                "write \"package.Service\", letters, digits, '_' and '-' with dots between, or \"\" for the server"
            findings.report(node, "\(quoted(name)) cannot be a service of gRPC", cure)
            return nil
        }
        return name
    }

    /// The name of a unit (systemd.unit(5)): 1 to 255 letters, digits, `:`, `-`, `_`, `.`, `\` and `@`, and its type.
    func unitName(_ key: String) -> String? {
        let example = "nginx.service"
        guard let (node, name) = text(key, example: example) else { return nil }
        let isName =
            (1...255).contains(name.utf8.count) && name.utf8.allSatisfy { $0.isASCIIAlphanumeric(or: ":-_.\\@") }
        guard isName else {
            let cure = "write 1 to 255 letters, digits, ':', '-', '_', '.', '\\' and '@', such as \(quoted(example))"
            findings.report(node, "\(quoted(name)) cannot be a unit", cure)
            return nil
        }
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count > 1, let type = parts.last, Self.unitTypes.contains(String(type)) else {
            findings.report(
                node, "\(quoted(name)) does not say which type of unit it is", "write \(quoted(name + ".service"))")
            return nil
        }
        let stem = name.dropLast(type.count + 1)
        guard !stem.isEmpty, !stem.hasPrefix("@") else {
            findings.report(node, "\(quoted(name)) has a type and no name", "write a unit such as \(quoted(example))")
            return nil
        }
        guard !stem.hasSuffix("@") else {
            let cure = "write which of its instances, such as \(quoted("\(stem)1.\(type)"))"
            findings.report(node, "\(quoted(name)) is a template, which is never active itself", cure)
            return nil
        }
        return name
    }

    /// The units that can be active.
    private static let unitTypes: Set = [
        "service", "socket", "device", "mount", "automount", "swap", "target", "path", "timer", "slice", "scope",
    ]
}
