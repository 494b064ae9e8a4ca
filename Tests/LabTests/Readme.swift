import Lab

/// README.md as data: its code blocks, in order.
struct Readme {
    /// A fenced block.
    struct Block {
        /// What stands behind the opening fence: `sh`, `toml`, or nothing.
        let language: String
        /// The line of the opening fence, counted from 1.
        let line: Int
        /// The lines between the fences.
        let lines: [String]

        var text: String { lines.map { $0 + "\n" }.joined() }
    }

    let blocks: [Block]

    init() throws {
        let text = try Command.run(["cat", "\(Repository.path)/README.md"]).output
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
    func file(_ path: String) -> String? {
        blocks.first { $0.language == "toml" && $0.lines.first == "# \(path)" }?.text
    }

    /// Every line of every `sh` block, in order: one command each.
    var commands: [String] { blocks.filter { $0.language == "sh" }.flatMap(\.lines).filter { !$0.isEmpty } }
}
