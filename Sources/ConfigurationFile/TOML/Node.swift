internal import TOMLKit

/// A value of a TOML document that knows where it stands.
struct Node {
    /// What TOML 1.0 can say.
    enum Value {
        case text(String)
        case integer(Int)
        case decimal(Double)
        case flag(Bool)
        case date
        case list([Node])
        /// In the order of the lines. Pairs, because TOML tells keys apart that Swift's `==` takes to be equal.
        case table([(key: String, node: Node)])
    }

    let path: NodePath
    /// Counted from 1.
    let line: Int
    let value: Value

    /// The value with its article, for "… is a list".
    var kind: String {
        switch value {
        case .text: "text"
        case .integer: "a number"
        case .decimal: "a decimal number"
        case .flag: "true or false"
        case .date: "a date or time"
        case .list: "a list"
        case .table: "a table"
        }
    }
}

extension Node {
    /// The document in `text`, or its syntax error.
    init(parsing text: String) throws(TOMLSyntaxError) {
        // The library takes C strings: at a NUL the rest would be silently left out.
        if let line = Self.lineOfNUL(in: text) {
            throw TOMLSyntaxError(line: line, column: nil, message: "there is a NUL character")
        }
        let locator = KeyLocator(text)
        if let slip = locator.fatalSlip {
            // The library must not get to see it. What is wrong on a line before comes first: it is looked for in the
            // text up to there, ended by a character that is an error anywhere but harms nobody.
            let before = String(decoding: text.utf8.prefix(slip.offset), as: UTF8.self)
            if let earlier = Self.syntaxError(in: before + "?"), earlier.line < slip.line { throw earlier }
            throw TOMLSyntaxError(line: slip.line, column: nil, message: slip.message)
        }
        self.init(table: try Self.table(text), path: .root, line: 1, locator: locator)
    }

    private static func syntaxError(in text: String) -> TOMLSyntaxError? {
        do throws(TOMLSyntaxError) {
            _ = try table(text)
            return nil
        } catch {
            return error
        }
    }

    private static func table(_ text: String) throws(TOMLSyntaxError) -> TOMLTable {
        do {
            return try TOMLTable(string: text)
        } catch let error as TOMLParseError {
            let position = error.source.begin
            throw TOMLSyntaxError(line: position.line, column: position.column, message: error.description)
        } catch {
            throw TOMLSyntaxError(line: 1, column: nil, message: "\(error)")
        }
    }

    private init(table: TOMLTable, path: NodePath, line: Int, locator: KeyLocator) {
        var pairs: [(key: String, node: Node)] = []
        for key in table.keys {
            guard let value = table[key] else { continue }
            pairs.append((key, Node(value, path: path.key(key), parent: line, locator: locator)))
        }
        pairs.sort { ($0.node.line, $0.key) < ($1.node.line, $1.key) }
        self.init(path: path, line: line, value: .table(pairs))
    }

    private init(_ value: any TOMLValueConvertible, path: NodePath, parent: Int, locator: KeyLocator) {
        let line = locator.line(of: path) ?? parent
        if let table = value.table {
            self.init(table: table, path: path, line: line, locator: locator)
        } else if let array = value.array {
            let elements = array.enumerated().map { index, element in
                Node(element, path: path.index(index), parent: line, locator: locator)
            }
            self.init(path: path, line: line, value: .list(elements))
        } else if let text = value.string {
            self.init(path: path, line: line, value: .text(text))
        } else if let integer = value.int {
            self.init(path: path, line: line, value: .integer(integer))
        } else if let flag = value.bool {
            self.init(path: path, line: line, value: .flag(flag))
        } else if let decimal = value.double {
            self.init(path: path, line: line, value: .decimal(decimal))
        } else {
            self.init(path: path, line: line, value: .date)
        }
    }

    /// The first line with a NUL, written as itself or as an escape.
    private static func lineOfNUL(in text: String) -> Int? {
        let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            if line.contains(0) { return index + 1 }
            guard line.contains(UInt8(ascii: "\\")), let line = String(line) else { continue }
            if line.contains("\\u0000") || line.contains("\\U00000000") { return index + 1 }
        }
        return nil
    }
}
