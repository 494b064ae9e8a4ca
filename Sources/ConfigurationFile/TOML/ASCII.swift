extension UInt8 {
    /// Whether this is a letter of ASCII.
    var isASCIILetter: Bool {
        // The bit that tells upper from lower case set.
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(self | 0x20)
    }

    /// Whether this is a digit of ASCII.
    var isASCIIDigit: Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self)
    }

    /// Whether this is a letter or a digit of ASCII, or one of `others`.
    func isASCIIAlphanumeric(or others: String = "") -> Bool {
        isASCIILetter || isASCIIDigit || others.utf8.contains(self)
    }
}
