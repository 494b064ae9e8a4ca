/// A table of the file while it is being read: every getter reports what is wrong and returns nil, so that reading
/// goes on and all problems come out at once.
struct Table {
    let node: Node
    let schema: Schema
    let findings: Findings
    private let pairs: [(key: String, node: Node)]

    /// Opens a table and reports the keys that do not belong there. Nil: `node` is not a table (not reported).
    init?(_ node: Node, _ schema: Schema, among schemas: [Schema], _ findings: Findings) {
        guard case .table(let pairs) = node.value else { return nil }
        self.node = node
        self.schema = schema
        self.findings = findings
        self.pairs = pairs
        refuseForeignKeys(schemas)
    }

    /// Opens the top of a file. Nil: its text is not TOML, which is reported.
    static func top(of text: String, _ schema: Schema, among schemas: [Schema], _ findings: Findings) -> Table? {
        do {
            return Table(try Node(parsing: text), schema, among: schemas, findings)
        } catch {
            let place = error.column.map { "syntax error in column \($0)" } ?? "syntax error"
            findings.report(line: error.line, key: nil, "\(place): \(error.message)", error.cure)
            return nil
        }
    }

    /// The keys that the file has, in the order of their lines.
    var keys: [String] { pairs.map(\.key) }

    /// The value of `key`, if the file has it.
    subscript(key: String) -> Node? {
        pairs.first { $0.key == key }?.node
    }

    /// Reports `key`, if it is there.
    func refuse(_ key: String, _ wrong: String, _ cure: String) {
        if let node = self[key] { findings.report(node, wrong, cure) }
    }

    /// Reports that `key` must be there and is not.
    func reportMissing(_ key: String, _ cure: String) {
        findings.report(line: node.line, key: node.path.key(key).description, "is missing", cure)
    }

    private func refuseForeignKeys(_ schemas: [Schema]) {
        for (key, value) in pairs where !schema.keys.contains(key) {
            let home = schemas.first { $0.keys.contains(key) }
            // `[[services]]` is a slip of the pen, also where another table has such a key.
            let sibling = schema.keys.first { $0 + "s" == key || key + "s" == $0 }
            if let cure = schema.later[key] {
                findings.report(value, "is not in this version", cure)
            } else if let refusal = schema.refused[key] {
                findings.report(value, refusal.wrong, refusal.cure)
            } else if let sibling {
                findings.report(value, "is not a key", "did you mean \(sibling)?")
            } else if let home {
                let place = home.header.map { "into \($0)" } ?? "to the top of the file, before the first [table]"
                findings.report(value, "does not belong here", "move it \(place)")
            } else if let cure = schemas.lazy.compactMap({ $0.later[key] }).first {
                findings.report(value, "is not in this version", cure)
            } else if let nearest = schema.nearest(to: key) {
                findings.report(value, "is not a key", "did you mean \(nearest)?")
            } else {
                let all = schema.keys.joined(separator: ", ")
                findings.report(value, "is not a key", "remove it, or write one of \(all)")
            }
        }
    }
}

extension Table {
    /// Text.
    func text(_ key: String, example: String) -> (node: Node, text: String)? {
        guard let value = self[key] else { return nil }
        guard case .text(let text) = value.value else {
            findings.report(value, "is \(value.kind), not text", "write \(key) = \(quoted(example))")
            return nil
        }
        return (value, text)
    }

    /// Text, or a list of texts.
    func texts(_ key: String, example: String, mayBeEmpty: Bool = false) -> [(node: Node, text: String)]? {
        guard let value = self[key] else { return nil }
        let cure = "write \(key) = \(quoted(example)), or a list of such texts"
        switch value.value {
        case .text(let text):
            return [(value, text)]
        case .list(let elements):
            if elements.isEmpty, !mayBeEmpty {
                findings.report(value, "is an empty list", cure)
                return nil
            }
            return elements.compactMap { element in
                if case .text(let text) = element.value { return (element, text) }
                findings.report(element, "is \(element.kind), not text", cure)
                return nil
            }
        default:
            findings.report(value, "is \(value.kind), not text", cure)
            return nil
        }
    }

    /// A whole number in `range`.
    func integer(_ key: String, in range: ClosedRange<Int>) -> Int? {
        guard let value = self[key] else { return nil }
        return integer(value, in: range, "write a whole number of \(range.lowerBound) to \(range.upperBound)")
    }

    /// The whole number that `value` is, in `range`.
    func integer(_ value: Node, in range: ClosedRange<Int>, _ cure: String) -> Int? {
        guard case .integer(let number) = value.value else {
            findings.report(value, "is \(value.kind), not a whole number", cure)
            return nil
        }
        guard range.contains(number) else {
            findings.report(value, "\(number) is out of range", cure)
            return nil
        }
        return number
    }

    /// `true` or `false`.
    func flag(_ key: String) -> Bool? {
        guard let value = self[key] else { return nil }
        guard case .flag(let flag) = value.value else {
            findings.report(value, "is \(value.kind), not true or false", "write \(key) = true or \(key) = false")
            return nil
        }
        return flag
    }

    /// A time with its unit, in `range`. `example`: what a time of this key looks like; its unit is what a number without one
    /// is taken to have been meant in. Nil: in the unit that the range suggests.
    func duration(_ key: String, in range: ClosedRange<Duration>, example: String? = nil) -> Duration? {
        guard let value = self[key] else { return nil }
        let bounds = "\(DurationText.text(for: range.lowerBound)) to \(DurationText.text(for: range.upperBound))"
        let units = DurationText.unitNames(upTo: range.upperBound)
        let (standardUnit, standardExample) = units.contains("d") ? ("d", "14d") : ("s", "500ms")
        let unit = example.map { String($0.drop { $0.isWholeNumber }) } ?? standardUnit
        let example = example ?? standardExample
        func refuseUnitless(_ number: String) {
            let others = units.filter { $0 != unit }.joined(separator: ", ")
            let cure = "write the unit: \(key) = \"\(number)\(unit)\", or \(others) (\(bounds))"
            findings.report(value, "\(number) has no unit", cure)
        }
        switch value.value {
        case .integer(let number):
            refuseUnitless("\(number)")
        case .decimal(let number):
            refuseUnitless("\(number)")
        case .text(let text) where !text.isEmpty && text.allSatisfy { $0.isASCII && $0.isWholeNumber }:
            refuseUnitless(text)
        case .text(let text):
            guard let duration = DurationText.duration(from: text) else {
                let all = "\(units.dropLast().joined(separator: ", ")) or \(units.last ?? unit)"
                let cure = "write a number and \(all), such as \(quoted(example)) (\(bounds))"
                findings.report(value, "\(quoted(text)) is not a time", cure)
                return nil
            }
            guard range.contains(duration) else {
                findings.report(value, "\(quoted(text)) is out of range", "write a time of \(bounds)")
                return nil
            }
            return duration
        default:
            findings.report(value, "is \(value.kind), not a time", "write \(key) = \(quoted(example)) (\(bounds))")
        }
        return nil
    }

    /// One of the values of a vocabulary. `later` are names of the product that this version lacks, each with a cure.
    func choice<Choice: RawRepresentable & CaseIterable>(
        _ key: String, later: [String: String]
    ) -> Choice? where Choice.RawValue == String {
        let names = Choice.allCases.map(\.rawValue)
        guard let name = choice(key, names: names, later: later) else { return nil }
        return Choice(rawValue: name)
    }

    /// One of `names`.
    func choice(_ key: String, names: [String], later: [String: String]) -> String? {
        guard let first = names.first, let (value, text) = text(key, example: first) else { return nil }
        if names.contains(text) { return text }
        if let cure = later[text] {
            findings.report(value, "\(quoted(text)) is not in this version", cure)
        } else {
            let likely = Schema.nearest(to: text, in: names) ?? (names.count == 1 ? first : nil)
            let cure = likely.map { "write \(key) = \(quoted($0))" }
            let all = names.map(quoted).joined(separator: ", ")
            findings.report(value, "\(quoted(text)) is not known", cure ?? "write one of \(all)")
        }
        return nil
    }

    /// The one table `key`, as `[key]` opens it.
    func table(_ key: String, _ schema: Schema, among schemas: [Schema]) -> Table? {
        guard let value = self[key] else { return nil }
        if let table = Table(value, schema, among: schemas, findings) { return table }
        findings.report(value, "is \(value.kind), not a table", "write \(schema.header ?? key) on a line of its own")
        return nil
    }

    /// The tables `key`, as `[[key]]` opens them. Empty where there are none, or none that can be read.
    /// `absence`: where there must be one at least, what to write.
    func tables(_ key: String, _ schema: Schema, among schemas: [Schema], absence: String? = nil) -> [Table] {
        guard let value = self[key] else {
            if let absence { reportMissing(key, absence) }
            return []
        }
        let cure = "open each with \(schema.header ?? key)"
        guard case .list(let elements) = value.value else {
            findings.report(value, "is \(value.kind), not a list of tables", cure)
            return []
        }
        if elements.isEmpty, let absence { findings.report(value, "is an empty list", absence) }
        return elements.compactMap { element in
            if let table = Table(element, schema, among: schemas, findings) { return table }
            findings.report(element, "is \(element.kind), not a table", cure)
            return nil
        }
    }
}
