/// The file in `run_dir` in which connections outlive a director that is stopped, until the next one takes them over.
struct FlowFile {
    private let file: SavedFile

    private static let name = "flows"

    /// The file of a director that remembers so many flows of each family.
    init(runDirectory: String, flows: Int) {
        // Flows of both families, templates, and the servers and stations they lead to, which each worker names for itself.
        file = SavedFile(
            Self.name, inRunDirectory: runDirectory, limit: 1 << 26 + 3 * 128 * flows, bound: "`flows`")
    }

    /// Where it is.
    static func path(inRunDirectory directory: String) -> String {
        SavedFile.path(name, inRunDirectory: directory)
    }

    var path: String { file.path }

    /// The longest file that is read, in bytes.
    var limit: Int { file.limit }

    /// What is in it; nil: there is none.
    func read() throws(DirectorError) -> [UInt8]? { try file.read() }

    /// Puts it there, whole or not at all.
    func write(_ content: [UInt8]) throws(DirectorError) { try file.write(content) }

    /// Removes it: what is in it is in force, or nothing is to be kept.
    func remove() { file.remove() }
}
