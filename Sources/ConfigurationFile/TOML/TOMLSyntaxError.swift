/// Where and why a text is not TOML.
struct TOMLSyntaxError: Error, Equatable {
    /// Counted from 1.
    let line: Int
    /// Counted from 1.
    let column: Int?
    /// What is wrong, in the TOML library's words.
    let message: String

    init(line: Int, column: Int?, message: String) {
        let preface = "Error "
        self.line = line
        self.column = column
        self.message = onOneLine(message.hasPrefix(preface) ? String(message.dropFirst(preface.count)) : message)
    }

    /// What to write instead. The library's words describe its own state; these are for the slips operators make.
    var cure: String {
        let cures = [
            ("could not determine value type", "write text in double quotes, such as \"eth0\""),
            ("cannot redefine", "remove one of the two, or open each table of a list with [[double brackets]]"),
            ("control characters", "end the text with its double quote, on the same line"),
            ("expected value", "write a value behind the ="),
            ("expected '='", "write key = value"),
            ("expected ']'", "write [name], or [[name]] for a table of a list"),
            ("has no name", "write [name], or [[name]] for a table of a list"),
            ("where there should be one", "write a value, or ] to end the list"),
            ("nested", "write [[service]] and its tables as the example does, with plain keys"),
            ("half a time", "write text in double quotes; no key of this file takes a date"),
            ("NUL", "remove it"),
        ]
        return cures.first { message.contains($0.0) }?.1
            ?? "write key = value, text in double quotes and lists in [brackets] (https://toml.io)"
    }
}
