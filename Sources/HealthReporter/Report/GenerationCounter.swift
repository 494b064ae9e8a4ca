import Logging

/// Numbers the report's versions. A number is never given twice, also not after a crash.
///
/// The file holds a number that is larger than every one given so far; numbers are reserved in blocks, so that the disk
/// is written to once in `block` changes. After a restart counting goes on at what the file says.
struct GenerationCounter: Sendable {
    /// How many numbers are reserved at a time.
    static let block: UInt64 = 1_024

    /// The latest number given.
    private(set) var value: UInt64
    private var reserved: UInt64
    private let file: StateFile
    private let logger: Logger

    /// Goes on where the file says. Where it is damaged, counting goes on at the milliseconds since 1970, which no agent
    /// has counted up to.
    ///
    /// - Parameter known: a number that was given for certain: counting goes on beyond it, whatever the file says.
    init(
        file: StateFile, beyond known: UInt64 = 0, logger: Logger, now: Timestamp
    ) throws(ReporterError) {
        self.file = file
        self.logger = logger
        let first: UInt64
        if let bytes = try file.read() {
            let text = String(decoding: bytes, as: UTF8.self)
            if let number = UInt64(text.split(whereSeparator: \.isWhitespace).first ?? ""),
                number < UInt64(Int64.max)
            {
                first = number
            } else {
                first = UInt64(max(0, now.secondsSinceEpoch)) * 1_000
                logger.warning("\(file.path) is damaged; the report's generation goes on at \(first)")
            }
        } else {
            first = 0
        }
        value = max(first, known)
        reserved = value
        try reserve()
    }

    /// The number the next `advance` gives.
    var next: UInt64 { value + 1 }

    /// Gives the next number. A disk that cannot be written to does not stop the report: it is logged, and tried again
    /// with the next number.
    mutating func advance() {
        value += 1
        // Half a block early: a disk that is full for a while costs nothing.
        guard value + Self.block / 2 >= reserved else { return }
        do {
            try reserve()
        } catch {
            logger.error("\(error); until that is mended, a restart may set the report's generation back")
        }
    }

    private mutating func reserve() throws(ReporterError) {
        let bound = value + Self.block
        try file.write(Array("\(bound)\n".utf8))
        reserved = bound
    }
}
