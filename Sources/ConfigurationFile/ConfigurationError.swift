/// Why a configuration file was refused: every problem in it, so that one round of editing mends them all.
public struct ConfigurationError: Error, Sendable, Equatable {
    /// The problems, in the order of the lines they are on. Never empty.
    public let problems: [Problem]

    /// An error that consists of `problems`.
    public init(problems: [Problem]) {
        self.problems = problems
    }
}

extension ConfigurationError {
    /// One thing that is wrong in a configuration file.
    public struct Problem: Sendable, Equatable {
        /// The file, as it was named to `load` or `parse`.
        public let file: String
        /// The line, counted from 1; nil: the file as a whole.
        public let line: Int?
        /// The key, such as `service[1].check[0].interval` with elements counted from 0; nil: not about a key.
        public let key: String?
        /// What is wrong.
        public let wrong: String
        /// What to write or do instead.
        public let cure: String

        /// A problem of `key` on `line` of `file`.
        public init(file: String, line: Int?, key: String?, wrong: String, cure: String) {
            self.file = file
            self.line = line
            self.key = key
            self.wrong = wrong
            self.cure = cure
        }
    }
}

extension ConfigurationError.Problem: CustomStringConvertible {
    /// `file:line: key: what is wrong; what to write instead`, the form editors and terminals make clickable.
    public var description: String {
        var place = file
        if let line { place += ":\(line)" }
        if let key { place += ": \(key)" }
        return "\(place): \(wrong); \(cure)"
    }
}

extension ConfigurationError: CustomStringConvertible {
    /// One line per problem.
    public var description: String {
        problems.map(\.description).joined(separator: "\n")
    }
}
