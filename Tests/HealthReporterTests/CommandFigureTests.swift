import Glibc
import NIOPosix
import Testing

@testable import HealthReporter

@Suite("CommandFigure")
struct CommandFigureTests {
    /// What a shell script is taken to say, run by the real thing.
    private func figure(_ script: String, timeout: Duration = .seconds(20)) async -> LoadReading {
        await figure(["/bin/sh", "-c", script], timeout: timeout)
    }

    private func figure(_ arguments: [String], timeout: Duration = .seconds(20)) async -> LoadReading {
        await CommandFigure(arguments, timeout: timeout, on: MultiThreadedEventLoopGroup.singleton).read()
    }

    @Test(
        "a program's figure is the one number it prints",
        arguments: [
            ("echo 12.5", 12.5), ("printf '  3 \\n\\n'", 3), ("echo 7; exec >&-; true", 7), ("echo 1e3", 1_000),
        ])
    func figures(script: String, wanted: Double) async {
        #expect(await figure(script) == .figure(wanted))
    }

    @Test(
        "all else is told",
        arguments: [
            ("echo high", "did not print a number"), ("true", "did not print a number"),
            ("echo 1 2", "did not print a number"), ("echo -1", "did not print a number"),
            ("echo nan", "did not print a number"), ("echo inf", "did not print a number"),
            ("echo 5; exit 3", "/bin/sh: exit status 3"), ("kill -9 $$", "/bin/sh: killed by signal 9"),
            ("yes", "it printed more than"), ("head -c 1000000000 /dev/zero", "it printed more than"),
        ])
    func failures(script: String, hint: String) async {
        guard case .unreadable(let words) = await figure(script) else {
            Issue.record("\(script) gave a figure")
            return
        }
        #expect(words.contains(hint), "\(words)")
    }

    @Test("a program that is not there, or is none, is told with the cause")
    func notStarted() async {
        for (path, cause) in [("/nowhere/x", "no such file or directory"), ("/etc/passwd", "permission denied")] {
            guard case .unreadable(let words) = await figure([path]) else {
                Issue.record("\(path) gave a figure")
                continue
            }
            #expect(words.hasPrefix("\(path): cannot run \(path): \(cause)"), "\(words)")
        }
    }

    @Test("a program that hangs is killed with its children when its time is up")
    func hangs() async throws {
        let folder = Folder()
        let script = "sleep 1000 & echo $! >\(folder.path)/pid; trap '' TERM; wait"
        #expect(await figure(script, timeout: .milliseconds(500)) == .unreadable("/bin/sh: no answer within 500ms"))
        try await expectGone(folder)
    }

    @Test("a child that is left behind and holds the output open neither holds up the figure nor lives on")
    func leavesChildren() async throws {
        let folder = Folder()
        let script = "sleep 1000 & echo $! >\(folder.path)/pid; echo 5"
        #expect(await figure(script, timeout: .seconds(500)) == .figure(5))
        try await expectGone(folder)
    }

    @Test("a program that nobody waits for any more is killed at once, with its children")
    func cancelled() async throws {
        let folder = Folder()
        let script = "sleep 1000 & echo $! >\(folder.path)/pid; wait"
        let task = Task { await figure(script, timeout: .seconds(1_000)) }
        try await eventually("it runs") { try folder.file("pid").read()?.isEmpty == false }
        task.cancel()
        guard case .unreadable = await task.value else {
            Issue.record("it gave a figure")
            return
        }
        try await expectGone(folder)
    }

    private func expectGone(_ folder: Folder) async throws {
        let text = String(decoding: try #require(try folder.file("pid").read()), as: UTF8.self)
        let child = try #require(pid_t(text.split(separator: "\n").first ?? ""))
        try await eventually("the child is gone") {
            // Where nobody reaps orphans, what was killed stays as a zombie.
            guard let stat = try StateFile(path: "/proc/\(child)/stat").read() else { return true }
            return String(decoding: stat, as: UTF8.self).contains(") Z ")
        }
    }

    @Test("a program finds no signal ignored or blocked")
    func signals() async {
        // Ignored by default, so that this changes nothing for anybody but who inherits it.
        signal(SIGURG, SIG_IGN)
        // 32 and 33 are the C library's own, which it sets so itself.
        for (line, mayBe) in [("SigIgn", [0, Double(0b11 << 31)]), ("SigBlk", [0])] {
            let set = await figure("awk '/\(line)/ { print \"0x\" $2 }' /proc/self/status")
            #expect(mayBe.map(LoadReading.figure).contains(set), "\(line): \(set)")
        }
    }
}
