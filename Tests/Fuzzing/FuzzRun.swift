internal import Glibc

/// A fuzzed run: how many inputs, made from which seed, and how long they take.
///
/// A test runs few, and the same ones each time. `make fuzz` asks for a million, and by `RSLAB_FUZZ_SEED` for others: a failure is
/// repeated with the seed and the number that were told.
public struct FuzzRun: Sendable {
    /// The variable of the environment that says how many.
    public enum Unit: String, Sendable {
        /// Files, requests and callers.
        case inputs = "RSLAB_FUZZ_INPUTS"
        /// What the packet path is given, of which a second holds more.
        case frames = "RSLAB_FUZZ_FRAMES"
    }

    /// How many there are to be.
    public let count: Int
    /// What they are made from.
    public let seed: UInt64

    private let subject: String
    private let unit: Unit
    private let start = ContinuousClock.now

    /// A run that begins now.
    ///
    /// - Parameters:
    ///   - subject: what is given them, in words.
    ///   - usual: how many there are where the environment does not ask for more.
    public init(of subject: String, unit: Unit = .inputs, usual: Int) {
        self.subject = subject
        self.unit = unit
        count = max(usual, Self.number(unit.rawValue).map { Int(clamping: $0) } ?? usual)
        seed = Self.number("RSLAB_FUZZ_SEED") ?? 2026
    }

    /// Says what became of so many of them, where the environment asked for a run.
    public func tell(_ outcome: String, of count: Int? = nil) {
        guard Self.number(unit.rawValue) != nil else { return }
        let tenths = Int((ContinuousClock.now - start) / .milliseconds(100))
        print(
            "fuzzed \(subject): \(count ?? self.count) \(unit), seed \(seed), \(tenths / 10).\(tenths % 10) s: \(outcome)"
        )
    }

    /// What a variable says; nil where it is not set. One that is no number must not be taken for none.
    private static func number(_ name: String) -> UInt64? {
        guard let text = getenv(name).map({ String(cString: $0) }), !text.isEmpty else { return nil }
        guard let number = UInt64(text) else {
            fatalError("\(name)=\(text) is not a number without sign and separators")
        }
        return number
    }
}
