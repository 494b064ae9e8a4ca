/// README.md as data: its code blocks, in order.
public struct Readme: Sendable {
    /// A fenced block.
    public struct Block: Sendable {
        /// What stands behind the opening fence: `sh`, `toml`, or nothing.
        public let language: String
        /// The line of the opening fence, counted from 1.
        public let line: Int
        /// The lines between the fences.
        public let lines: [String]

        /// Its lines as a file.
        public var text: String { lines.map { $0 + "\n" }.joined() }
    }

    private let text: String
    /// All of them, in order.
    public let blocks: [Block]

    /// Reads the README of the checkout.
    public init() throws {
        text = try Command.run(["cat", "\(Repository.path)/README.md"]).output
        var blocks: [Block] = []
        var open: (language: String, line: Int, lines: [String])?
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.hasPrefix("```") {
                if let block = open {
                    blocks.append(Block(language: block.language, line: block.line, lines: block.lines))
                    open = nil
                } else {
                    open = (String(line.dropFirst(3)), index + 1, [])
                }
            } else {
                open?.lines.append(String(line))
            }
        }
        self.blocks = blocks
    }

    /// The block whose first line is the comment `# PATH`: the file that the README tells to write there.
    public func file(_ path: String) -> String? {
        blocks.first { $0.language == "toml" && $0.lines.first == "# \(path)" }?.text
    }

    /// The lines for another program's configuration: the first block after its name in bold.
    public func fragment(of program: String) -> String? {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        guard let name = lines.firstIndex(where: { $0.hasPrefix("**\(program)**") }) else { return nil }
        return blocks.first { $0.line > name + 1 }?.text
    }

    /// Every line of every `sh` block, in order: one command each.
    public var commands: [String] { blocks.filter { $0.language == "sh" }.flatMap(\.lines).filter { !$0.isEmpty } }
}
