import Logging

@testable import HealthReporter

/// A log whose lines a test can look at: the message, then each of its values as `key=value`, each followed by a space.
struct CapturingLog: LogHandler {
    let lines: Box<[String]>
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.debug

    init(lines: Box<[String]>) { self.lines = lines }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) {
        let values = (event.metadata ?? [:]).map { "\($0.key)=\($0.value) " }.sorted().joined()
        let line = "\(event.message) \(values)"
        lines.change { $0.append(line) }
    }
}
