/// The load of this host, as the kernel tells it in `/proc`. Reading needs no capability.
///
/// It is the host's, also in a container: limits of a cgroup are not looked at.
struct HostLoad: Sendable {
    /// The measures that are read here.
    static let measures: Set<LoadMeasure> = [.cpu, .cpuPressure, .memory, .loadAverage]

    /// Time all CPUs spent since boot, in ticks.
    struct CPUTime: Sendable, Equatable {
        var used: UInt64
        var idle: UInt64
    }

    private(set) var wanted: Set<LoadMeasure>
    private let read: @Sendable (String) throws(ReporterError) -> [UInt8]?
    private var latest: CPUTime?

    /// - Parameter read: the content of a file, or nil where there is none.
    init(
        _ wanted: Set<LoadMeasure>,
        read: @escaping @Sendable (String) throws(ReporterError) -> [UInt8]? = { path throws(ReporterError) in
            try StateFile(path: path).read()
        }
    ) {
        self.wanted = wanted.intersection(Self.measures)
        self.read = read
    }

    /// The same, looking at other measures; what it knows of CPU time so far still counts.
    func wanting(_ measures: Set<LoadMeasure>) -> HostLoad {
        var next = self
        next.wanted = measures.intersection(Self.measures)
        return next
    }

    /// Looks at what is wanted. The share of CPU time is that since the last look: the first one has none.
    mutating func sample() -> [LoadMeasure: LoadReading] {
        var readings: [LoadMeasure: LoadReading] = [:]
        if wanted.contains(.cpu) { readings[.cpu] = cpu() }
        if wanted.contains(.cpuPressure) { readings[.cpuPressure] = cpuPressure() }
        if wanted.contains(.memory) { readings[.memory] = memory() }
        if wanted.contains(.loadAverage) { readings[.loadAverage] = loadAverage() }
        return readings
    }

    private mutating func cpu() -> LoadReading? {
        switch text(of: "/proc/stat") {
        case .failure(let missing): return missing.reading
        case .success(let text):
            guard let time = Self.cpuTime(inStat: text) else { return .strange("/proc/stat") }
            defer { latest = time }
            guard let latest else { return nil }
            return Self.usedShare(from: latest, to: time).map(LoadReading.figure)
        }
    }

    private func cpuPressure() -> LoadReading {
        switch text(of: "/proc/pressure/cpu") {
        case .failure(let missing):
            .unreadable("\(missing.words); this kernel was built without PSI, or started with psi=0")
        case .success(let text):
            Self.someAverage10(inPressure: text).map { .figure($0 / 100) } ?? .strange("/proc/pressure/cpu")
        }
    }

    private func memory() -> LoadReading {
        switch text(of: "/proc/meminfo") {
        case .failure(let missing): missing.reading
        case .success(let text):
            Self.unavailableShare(inMeminfo: text).map(LoadReading.figure) ?? .strange("/proc/meminfo")
        }
    }

    private func loadAverage() -> LoadReading {
        switch (text(of: "/proc/loadavg"), text(of: "/proc/stat")) {
        case (.failure(let missing), _), (_, .failure(let missing)): return missing.reading
        case (.success(let loadavg), .success(let stat)):
            guard let load = loadavg.split(separator: " ").first.flatMap({ Double($0) }), load >= 0 else {
                return .strange("/proc/loadavg")
            }
            let count = Self.onlineCPUs(inStat: stat)
            return count > 0 ? .figure(load / Double(count)) : .strange("/proc/stat")
        }
    }

    private struct Missing: Error {
        let words: String
        var reading: LoadReading { .unreadable(words) }
    }

    private func text(of path: String) -> Result<String, Missing> {
        do throws(ReporterError) {
            guard let bytes = try read(path) else { return .failure(Missing(words: "there is no \(path)")) }
            return .success(String(decoding: bytes, as: UTF8.self))
        } catch {
            return .failure(Missing(words: "cannot \(error.operation): \(error.cause)"))
        }
    }
}

extension LoadReading {
    fileprivate static func strange(_ path: String) -> LoadReading {
        .unreadable("\(path) is not as proc(5) has it")
    }
}

extension HostLoad {
    /// The first line of `/proc/stat`: `cpu user nice system idle iowait irq softirq steal guest guest_nice` (proc(5)).
    ///
    /// Waiting for a disk leaves the CPU free: idle. Time that a hypervisor gave to others is not to be had: used. A guest's time
    /// is in the user's already.
    static func cpuTime(inStat text: String) -> CPUTime? {
        let fields = text.prefix { $0 != "\n" }.split(separator: " ")
        let ticks = fields.dropFirst().compactMap { UInt64($0) }
        guard fields.first == "cpu", ticks.count == fields.count - 1, ticks.count >= 4 else { return nil }
        let idle = ticks[3...].prefix(2)
        let used = ticks[..<3] + ticks.dropFirst(5).prefix(3)
        return CPUTime(used: used.reduce(0, &+), idle: idle.reduce(0, &+))
    }

    /// The share of the time in between that was used; nil where no time has passed. A counter that has gone back, as that of
    /// iowait may, has not moved.
    static func usedShare(from earlier: CPUTime, to later: CPUTime) -> Double? {
        let used = later.used > earlier.used ? later.used - earlier.used : 0
        let idle = later.idle > earlier.idle ? later.idle - earlier.idle : 0
        let total = Double(used) + Double(idle)
        return total > 0 ? Double(used) / total : nil
    }

    /// How many CPUs are online: `/proc/stat` has a line for each.
    static func onlineCPUs(inStat text: String) -> Int {
        text.split(separator: "\n").count { $0.hasPrefix("cpu") && !$0.hasPrefix("cpu ") }
    }

    /// `some avg10=1.25 …` of a pressure file, in percent (Documentation/accounting/psi.rst).
    static func someAverage10(inPressure text: String) -> Double? {
        let fields = text.split(separator: "\n").first { $0.hasPrefix("some ") }?.split(separator: " ") ?? []
        guard let field = fields.first(where: { $0.hasPrefix("avg10=") }) else { return nil }
        return Double(field.dropFirst("avg10=".count)).flatMap { (0...100).contains($0) ? $0 : nil }
    }

    /// The share of memory that is not to be had without swapping: 1 − MemAvailable / MemTotal (proc(5)).
    static func unavailableShare(inMeminfo text: String) -> Double? {
        func kilobytes(_ name: String) -> Double? {
            let line = text.split(separator: "\n").first { $0.hasPrefix("\(name):") }
            return line?.split(separator: " ").dropFirst().first.flatMap { Double($0) }
        }
        guard let total = kilobytes("MemTotal"), let available = kilobytes("MemAvailable"), total > 0 else {
            return nil
        }
        return min(1, max(0, 1 - available / total))
    }
}
