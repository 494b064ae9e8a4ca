/// Where a value stands in a TOML document: `service[1].check[0].interval`.
struct NodePath: Hashable {
    /// One step down from a table or an array.
    enum Step: Hashable {
        case key(String)
        /// Counted from 0.
        case index(Int)
    }

    private(set) var steps: [Step] = []

    /// The document itself.
    static let root = NodePath()

    /// The value of `key` in the table at this path.
    func key(_ key: String) -> NodePath {
        var path = self
        path.steps.append(.key(key))
        return path
    }

    /// Element `index` of the array at this path.
    func index(_ index: Int) -> NodePath {
        var path = self
        path.steps.append(.index(index))
        return path
    }
}

extension NodePath: CustomStringConvertible {
    var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .key(let key): text += (text.isEmpty ? "" : ".") + Self.written(key)
            case .index(let index): text += "[\(index)]"
            }
        }
        return text
    }

    /// The key as a TOML file would have it: bare where it can be, else in quotes.
    private static func written(_ key: String) -> String {
        let isBare =
            !key.isEmpty
            && key.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
                    true
                default: false
                }
            }
        return isBare ? key : quoted(key)
    }
}
