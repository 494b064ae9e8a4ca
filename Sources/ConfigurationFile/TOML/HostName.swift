/// The name of a host in the DNS (RFC 1123 §2.1).
enum HostName {
    /// Whether `text` is such a name and not an address: letters, digits, `-` and `.`, the last part not a number.
    static func isValid(_ text: some StringProtocol) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253 && labels.allSatisfy { isLabel($0) }
            && labels.last?.contains { !$0.isNumber } ?? false
    }

    private static func isLabel(_ label: some StringProtocol) -> Bool {
        (1...63).contains(label.utf8.count) && !label.hasPrefix("-") && !label.hasSuffix("-")
            && label.utf8.allSatisfy { $0.isASCIIAlphanumeric(or: "-") }
    }
}
