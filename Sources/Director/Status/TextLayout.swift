extension String {
    /// With spaces behind it, to this width; longer ones stay as they are.
    func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }

    /// With spaces before it.
    func rightAligned(to width: Int) -> String {
        String(repeating: " ", count: max(0, width - count)) + self
    }

    /// Without the spaces at its end.
    var trimmed: String {
        var text = self[...]
        while text.last == " " { text.removeLast() }
        return String(text)
    }

    /// Without control characters: agents' reasons go to a terminal.
    var printable: String {
        String(String.UnicodeScalarView(unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }))
    }
}

extension UInt64 {
    /// In ipvsadm's nine columns and by its steps of a thousand (`print_largenum` of ipvsadm.c): the suffix comes once the
    /// number needs more.
    var largeNumber: String {
        let step: (divisor: UInt64, suffix: String) =
            switch self {
            case ..<100_000_000: (1, "")
            case ..<1_000_000_000: (1000, "K")
            case ..<100_000_000_000: (1_000_000, "M")
            case ..<100_000_000_000_000: (1_000_000_000, "G")
            default: (1_000_000_000_000, "T")
            }
        return "\(self / step.divisor)\(step.suffix)".rightAligned(to: 9)
    }
}
