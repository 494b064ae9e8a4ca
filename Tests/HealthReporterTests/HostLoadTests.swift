import Testing

@testable import HealthReporter

@Suite("HostLoad")
struct HostLoadTests {
    /// Files by their paths, as a kernel would have them.
    private func load(_ wanted: Set<LoadMeasure>, _ files: Box<[String: String]>) -> HostLoad {
        HostLoad(wanted) { path throws(ReporterError) in files.value[path].map { Array($0.utf8) } }
    }

    private static let stat = """
        cpu  100 10 40 800 50 5 5 40 30 3
        cpu0 50 5 20 400 25 2 3 20 15 1
        cpu1 50 5 20 400 25 3 2 20 15 2
        intr 12345 0 9
        ctxt 1990473
        """

    @Test("the share of CPU time is that since the last look: waiting for a disk is idle, stolen time is used")
    func cpu() {
        let files = Box(["/proc/stat": Self.stat])
        var load = load([.cpu], files)
        #expect(load.sample() == [:], "the first look has nothing to compare with")
        #expect(load.sample() == [:], "no time has passed")
        // used + 30 (10 user, 5 system, 1 irq, 4 softirq, 10 steal), idle + 70 (20 of them iowait); guest is in user.
        files.value = ["/proc/stat": "cpu  110 10 45 850 70 6 9 50 99 99\ncpu0 1 1 1 1\n"]
        #expect(load.sample() == [.cpu: .figure(0.3)])
        // iowait has gone back (proc(5)).
        files.value = ["/proc/stat": "cpu  120 10 45 850 10 6 9 50 99 99\n"]
        #expect(load.sample() == [.cpu: .figure(1)])
        // A kernel before 2.6 had four columns.
        #expect(HostLoad.cpuTime(inStat: "cpu 1 2 3 4") == HostLoad.CPUTime(used: 6, idle: 4))
    }

    @Test("pressure, memory and load average are read as the kernel writes them")
    func others() {
        let files = Box([
            "/proc/stat": Self.stat, "/proc/loadavg": "3.50 2.00 1.00 2/345 6789\n",
            "/proc/meminfo": "MemTotal:       1000000 kB\nMemFree: 1 kB\nMemAvailable:   250000 kB\n",
            "/proc/pressure/cpu": "some avg10=12.50 avg60=9.00 avg300=1.00 total=1\nfull avg10=99.00 total=0\n",
        ])
        var load = load([.cpuPressure, .memory, .loadAverage, .connections, .command], files)
        #expect(
            load.sample() == [.cpuPressure: .figure(0.125), .memory: .figure(0.75), .loadAverage: .figure(1.75)])
    }

    @Test(
        "what cannot be read is told, with its file",
        arguments: [
            ("/proc/stat", LoadMeasure.cpu), ("/proc/pressure/cpu", .cpuPressure), ("/proc/meminfo", .memory),
            ("/proc/loadavg", .loadAverage), ("/proc/stat", .loadAverage),
        ])
    func unreadable(path: String, measure: LoadMeasure) {
        let good = ["/proc/stat": Self.stat, "/proc/loadavg": "1.00 1.00 1.00 1/1 1\n"]
        for content in [nil, "", "x\n", "cpu 1 2 x 4\n", "some avg10=101\n", "MemTotal: 0 kB\nMemAvailable: 0 kB\n"] {
            var files = good
            files[path] = content
            var load = load([measure], Box(files))
            guard case .unreadable(let words) = load.sample()[measure] else {
                Issue.record("\(content ?? "nothing") was taken for \(measure)")
                continue
            }
            #expect(words.contains(path))
            #expect(words.contains("PSI") == (content == nil && measure == .cpuPressure))
        }
        var broken = HostLoad([measure]) { path throws(ReporterError) in
            throw ReporterError(.storage, operation: "read \(path)", cause: "Operation not supported")
        }
        guard case .unreadable(let words) = broken.sample()[measure] else {
            Issue.record("a file that cannot be read was taken for \(measure)")
            return
        }
        #expect(words.hasPrefix("cannot read /proc/") && words.contains("Operation not supported"))
    }

    @Test("this host's own load is read, each share between 0 and 1")
    func thisHost() async throws {
        var load = HostLoad([.cpu, .memory, .loadAverage])
        var readings = load.sample()
        try await eventually("some CPU time has passed") {
            readings = load.sample()
            return readings[.cpu] != nil
        }
        for (measure, reading) in readings {
            guard case .figure(let figure) = reading else {
                Issue.record("\(measure): \(reading)")
                continue
            }
            #expect(figure >= 0 && (figure <= 1 || measure == .loadAverage))
        }
        #expect(readings.count == 3)
    }
}
