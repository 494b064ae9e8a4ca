import Logging

/// Numbers the report's versions. A number is never given twice, also not after a crash, and none is given that is not
/// reserved on the disk.
///
/// The file holds the largest number that may have been given; numbers are reserved in blocks, half a block before they are
/// needed, so that nobody waits for the disk. After a restart counting goes on beyond what the file says.
///
/// Where no number can be given, because the disk has hung or been full for half a block of changes, or because the next one
/// stands for a change that is being written, the report goes on changing under the number it has: see `isOwed`.
struct GenerationCounter: Sendable {
    /// How many numbers are reserved at a time.
    static let block: UInt64 = 1_024

    /// Where the reservation stands.
    let file: StateFile
    /// The latest number given.
    private(set) var value: UInt64
    /// The largest number that is reserved on the disk.
    private(set) var reserved: UInt64
    /// Whether the next number is kept for a change that is not yet made.
    private(set) var isHeld = false
    /// Whether the report has changed since the latest number was given. Who has that number may not have the latest report.
    private(set) var isOwed = false

    /// Goes on where the file says, and reserves the first block. Where it is damaged, counting goes on at the milliseconds
    /// since 1970, which no agent has counted up to.
    ///
    /// - Parameter known: a number that was given for certain: counting goes on beyond it, whatever the file says.
    /// - Throws: `ReporterError` where the file cannot be read or written.
    init(
        file: StateFile, beyond known: UInt64 = 0, logger: Logger, now: Timestamp
    ) throws(ReporterError) {
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
        self.file = file
        value = max(first, known)
        reserved = value + Self.block
        try file.write(Self.content(reserving: reserved))
    }

    /// The number that comes next.
    var next: UInt64 { value + 1 }

    /// Whether there is no number left until more are reserved.
    var isExhausted: Bool { next > reserved }

    /// Gives the next number, or owes it.
    mutating func advance() {
        isOwed = isHeld || isExhausted
        if !isOwed { value += 1 }
    }

    /// Keeps the next number for a change that is about to be made. To be called only where there is one.
    mutating func hold() -> UInt64 {
        isHeld = true
        return next
    }

    /// The next number is free again.
    mutating func release() { isHeld = false }

    /// Gives the number that is owed, where that is possible now.
    ///
    /// - Returns: whether one was given.
    mutating func settle() -> Bool {
        guard isOwed else { return false }
        advance()
        return !isOwed
    }

    /// Up to which number to reserve now; nil: there are enough.
    var due: UInt64? { value + Self.block / 2 >= reserved ? value + Self.block : nil }

    /// What the file holds to reserve all numbers up to `bound`.
    static func content(reserving bound: UInt64) -> [UInt8] { Array("\(bound)\n".utf8) }

    /// All numbers up to `bound` are reserved on the disk.
    mutating func reserve(_ bound: UInt64) { reserved = max(reserved, bound) }
}
