/// `text` in double quotes, as TOML writes it.
func quoted(_ text: String) -> String {
    "\"" + onOneLine(text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")) + "\""
}

/// `text` with control characters written as TOML's escapes, so that a message stays on its line and a terminal sane.
func onOneLine(_ text: String) -> String {
    var result = ""
    for scalar in text.unicodeScalars {
        switch scalar {
        case "\n": result += "\\n"
        case "\r": result += "\\r"
        case "\t": result += "\\t"
        case _ where scalar.properties.generalCategory == .control || scalar.properties.generalCategory == .format:
            let digits = String(scalar.value, radix: 16, uppercase: true)
            let (escape, width) = scalar.value > 0xFFFF ? ("\\U", 8) : ("\\u", 4)
            result += escape + String(repeating: "0", count: width - digits.count) + digits
        default: result.unicodeScalars.append(scalar)
        }
    }
    return result
}
