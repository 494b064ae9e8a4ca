import ArgumentParser
import ConfigurationFile
import Director
import Glibc
import HealthReporter
import UnixSignals

/// `rsdirector status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "What the running director does, laid out as `ipvsadm -Ln` is.")

    @OptionGroup var file: FileOption

    @Flag(help: "What was counted since the start, as `ipvsadm -Ln --stats`.")
    var stats = false

    @Flag(help: "How much a second, over about the last 8, as `ipvsadm -Ln --rate`.")
    var rate = false

    @Flag(help: "The connections and what clients are tied to, as `ipvsadm -Lnc`: those used last, first.")
    var connections = false

    @Option(help: "With --connections: how many at most, 1 to 100000.")
    var limit = 1000

    @Flag(help: "With --connections: those silent longest, first.")
    var oldest = false

    @Flag(help: "JSON: the whole status, or with --connections those.")
    var json = false

    @Flag(help: "Go on until interrupted, every 2 seconds: drawn again, or not on a terminal, one after the other.")
    var watch = false

    func validate() throws {
        guard [stats, rate, connections].count(where: { $0 }) <= 1 else {
            throw ValidationError("--stats, --rate and --connections exclude each other")
        }
        guard ConnectionQuestion.limits.contains(limit) else {
            throw ValidationError("--limit is 1 to 100000, not \(limit)")
        }
    }

    func run() async throws {
        let client = StatusClient(runDirectory: try file.load().runDirectory)
        guard watch else { return print(try await text(of: client), terminator: "") }
        // Trapped before the first byte is written: the terminal is put back however it is interrupted.
        let signals = await UnixSignalsSequence(trapping: .sigint, .sigterm)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await draw(client) }
            group.addTask { for await _ in signals { return } }
            try await group.next()
            group.cancelAll()
        }
    }

    private func text(of client: StatusClient) async throws -> String {
        if connections {
            let list = try await client.connections(.init(limit: limit, order: oldest ? .oldest : .newest))
            return json ? String(decoding: list.json(pretty: !watch), as: UTF8.self) : list.text
        }
        let status = try await client.status()
        guard !json else { return String(decoding: status.json(pretty: !watch), as: UTF8.self) }
        return status.text(stats ? .stats : rate ? .rate : .servers)
    }

    /// Until cancelled, also while no director runs: it may be on its way back.
    private func draw(_ client: StatusClient) async throws {
        let isScreen = isatty(1) == 1 && !json
        if isScreen { Terminal.write(StatusWatch.Screen.opening) }
        defer { if isScreen { Terminal.write(StatusWatch.Screen.closing) } }
        var complaint: String?
        while !Task.isCancelled {
            do {
                let text = try await text(of: client)
                complaint = nil
                Terminal.write(
                    isScreen ? StatusWatch.Screen.frame(text, rows: Terminal.rows) : json ? text : text + "\n")
            } catch let error as DirectorError {
                if isScreen {
                    Terminal.write(StatusWatch.Screen.frame("\(error)\n", rows: Terminal.rows))
                } else if complaint != "\(error)" {
                    Terminal.write("\(error)\n", to: 2)
                }
                complaint = "\(error)"
            }
            try? await Task.sleep(for: .seconds(2))
        }
    }
}

/// Standard output as a terminal.
private enum Terminal {
    /// How many rows it has, now; 24 where it does not tell. Equivalent to: `tput lines`.
    static var rows: Int {
        var size = winsize()
        guard ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_row > 0 else { return 24 }
        return Int(size.ws_row)
    }

    /// Writes at once, and all of it.
    static func write(_ text: String, to descriptor: CInt = 1) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}
