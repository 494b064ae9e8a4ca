extension Table {
    /// The name of a service, unique among `names`, which it is added to.
    func serviceName(_ names: inout [String: Node]) -> String? {
        let example = "web"
        if self["name"] == nil { reportMissing("name", "write name = \(quoted(example)), a name of your own") }
        guard let (node, name) = text("name", example: example) else { return nil }
        // The name is a component of URLs such as /v1/services/NAME.
        guard (1...63).contains(name.utf8.count), name.utf8.allSatisfy({ $0.isASCIIAlphanumeric(or: "-_.") }),
            name != ".", name != ".."
        else {
            let cure = "write 1 to 63 letters, digits, '-', '_' and '.', such as \(quoted(example))"
            findings.report(node, "\(quoted(name)) cannot be a name", cure)
            return nil
        }
        if let other = names[name] {
            let wrong = "\(quoted(name)) is the name of another service already (line \(other.line))"
            findings.report(node, wrong, "give one of the two another name")
            return nil
        }
        names[name] = node
        return name
    }

    /// An interface's name, as the kernel takes it.
    func interface(_ key: String) -> String? {
        guard let (node, name) = text(key, example: "eth0") else { return nil }
        return isInterface(node, name) ? name : nil
    }

    /// One interface's name, or several.
    func interfaces(_ key: String) -> [String] {
        var seen: Set<String> = []
        return (texts(key, example: "eth0") ?? []).compactMap { node, name in
            guard isInterface(node, name) else { return nil }
            guard seen.insert(name).inserted else {
                findings.report(node, "\(quoted(name)) is listed twice", "remove one of the two")
                return nil
            }
            return name
        }
    }

    /// The kernel's rule: `dev_valid_name` in `net/core/dev.c`.
    private func isInterface(_ node: Node, _ name: String) -> Bool {
        let isValid =
            (1...15).contains(name.utf8.count) && name != "." && name != ".."
            && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: ":") }
        if !isValid {
            let cure = "write 1 to 15 bytes without '/', ':' and blanks, such as \"eth0\" (ip link lists them)"
            findings.report(node, "\(quoted(name)) cannot be an interface", cure)
        }
        return isValid
    }

    /// An absolute path of a directory, without a slash at its end. `room`: how many bytes it may have.
    func directory(_ key: String, example: String, room: Int) -> String? {
        guard let (node, text) = text(key, example: example) else { return nil }
        guard isAbsolutePath(node, text, example: example) else { return nil }
        guard text.utf8.count <= room else {
            findings.report(node, "is \(text.utf8.count) bytes long", "write a path of 1 to \(room) bytes")
            return nil
        }
        var path = text
        while path.count > 1, path.hasSuffix("/") { path.removeLast() }
        return path
    }

    /// `control.sock` in the directory has to fit `sun_path` with its NUL: 108 bytes (unix(7)).
    static let roomForSocketDirectory = 107 - "/control.sock".utf8.count
    /// A file in the directory has to fit `PATH_MAX`, 4096 bytes, with a name of up to 255 and its NUL.
    static let roomForDirectory = 4095 - 256

    /// The transport protocol of a service; TCP unless given.
    func transport() -> TransportProtocol {
        let cure = "write protocol = \"tcp\", the only one of this version"
        _ = choice("protocol", names: [TransportProtocol.tcp.rawValue], later: ["udp": cure])
        return .tcp
    }
}
