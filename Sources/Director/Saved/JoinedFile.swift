internal import ConfigurationFile
internal import Logging
internal import Synchronization

/// The file in `run_dir` in which servers that joined outlive a director, also one that is killed: it is written whenever
/// they become others.
final class JoinedFile: Sendable {
    private let file: SavedFile
    private let logger: Logger
    private let state = Mutex(State())

    private struct State {
        /// What is in the file; nil: not known.
        var written: SavedJoins?
        var isFailing = false
    }

    private static let name = "joined"

    /// The file of a director with this configuration.
    init(_ configuration: DirectorConfiguration, logger: Logger) {
        // Two names in each: of a service, 63 bytes, and of an address; drains may be of as many again.
        file = SavedFile(
            Self.name, inRunDirectory: configuration.runDirectory,
            limit: 1 << 16 + 512 * (configuration.join?.limit ?? 0),
            bound: "`limit` under [join]")
        self.logger = logger
    }

    /// Where it is.
    static func path(inRunDirectory directory: String) -> String {
        SavedFile.path(name, inRunDirectory: directory)
    }

    var path: String { file.path }

    /// The configuration with those who had joined the director before this one, as servers that are there from the start, and
    /// who they are. Whatever does not fit is told and left out.
    ///
    /// - Parameter isSound: whether a configuration can be carried out.
    func takeBack(
        into configuration: DirectorConfiguration, _ isSound: (DirectorConfiguration) -> Bool
    ) -> (configuration: DirectorConfiguration, joins: SavedJoins) {
        let saved: SavedJoins
        do {
            guard let content = try file.read() else { return (configuration, SavedJoins()) }
            saved = try SavedJoins(json: content)
        } catch {
            let cause = (error as? SavedJoins.Flaw).map { "\(file.failure("read", $0.cause))" } ?? "\(error)"
            logger.warning("servers that had joined are not taken back before they join again: \(cause)")
            return (configuration, SavedJoins())
        }
        guard !saved.isEmpty else { return (configuration, saved) }
        guard configuration.join != nil else {
            logger.warning(
                "\(saved.servers.count) servers that had joined are not taken back: there is no [join] any more")
            return (configuration, SavedJoins())
        }
        var refused: [String] = []
        let result = configuration.keeping(
            saved.servers, refuse: { refused.append("\($0.key.service): server \($0.key.address): \($1)") }, isSound)
        for line in refused.prefix(10) { logger.warning("not taken back, though it had joined: \(line)") }
        if refused.count > 10 { logger.warning("nor are \(refused.count - 10) other servers that had joined") }
        let kept = Set(result.joinedServers.map(\.key))
        let joins = SavedJoins(servers: saved.servers.filter { kept.contains($0.key) }, drained: Set(saved.drained))
        if !kept.isEmpty { logger.notice("took \(kept.count) servers back that had joined") }
        return (result, joins)
    }

    /// Puts these there, where others are, or removes the file where there are none. What fails is told once.
    func keep(_ joins: SavedJoins) {
        state.withLock { state in
            guard joins != state.written else { return }
            state.written = joins
            guard !joins.isEmpty else { return file.remove() }
            do throws(DirectorError) {
                try file.write(joins.json)
                state.isFailing = false
            } catch {
                state.written = nil
                if !state.isFailing { logger.warning("servers that joined will not outlast a restart: \(error)") }
                state.isFailing = true
            }
        }
    }
}
