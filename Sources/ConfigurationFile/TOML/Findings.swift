/// Collects everything that is wrong with one file.
final class Findings {
    let file: String
    private var problems: [ConfigurationError.Problem] = []

    init(file: String) {
        self.file = file
    }

    /// Notes what is wrong with the value of `node`.
    func report(_ node: Node, _ wrong: String, _ cure: String) {
        report(line: node.line, key: node.path.description, wrong, cure)
    }

    /// Notes what is wrong with `key`, on `line`.
    func report(line: Int?, key: String?, _ wrong: String, _ cure: String) {
        problems.append(.init(file: file, line: line, key: key, wrong: wrong, cure: cure))
    }

    /// How many things are noted so far.
    var count: Int { problems.count }

    /// Everything noted so far, in the order of the lines; nil: nothing.
    var error: ConfigurationError? {
        guard !problems.isEmpty else { return nil }
        let ordered = problems.enumerated().sorted { left, right in
            (left.element.line ?? 0, left.offset) < (right.element.line ?? 0, right.offset)
        }
        return ConfigurationError(problems: ordered.map(\.element))
    }
}
