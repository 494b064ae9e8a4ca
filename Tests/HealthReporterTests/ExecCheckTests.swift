import CLinux
import ConfigurationFile
import Glibc
import NIOPosix
import Testing

@testable import HealthReporter

@Suite("Programs as checks")
struct ExecCheckTests {
    /// Runs a line of shell.
    private func shell(
        _ line: String, _ arguments: String..., timeout: Duration = .seconds(20)
    ) async -> CheckOutcome {
        await ask(.exec(["/bin/sh", "-c", line, "sh"] + arguments), timeout: timeout)
    }

    /// Whether a process is there: not ended, or ended and not reaped.
    private func isThere(_ process: pid_t) -> Bool { kill(process, 0) == 0 || errno != ESRCH }

    /// The children of this process that have ended and were not reaped, or that run.
    private func children() throws -> [String] {
        var all: [String] = []
        let threads = try #require(opendir("/proc/self/task"))
        defer { closedir(threads) }
        while let entry = readdir(threads) {
            let name = withUnsafeBytes(of: entry.pointee.d_name) {
                String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
            }
            guard let first = name.first, first.isNumber,
                let file = fopen("/proc/self/task/\(name)/children", "r")
            else { continue }
            defer { fclose(file) }
            var buffer = [UInt8](repeating: 0, count: 4_096)
            let size = fread(&buffer, 1, buffer.count, file)
            all += String(decoding: buffer[..<size], as: UTF8.self).split(separator: " ").map(String.init)
        }
        return all
    }

    private func number(in folder: Folder, _ name: String) -> pid_t? {
        guard let file = fopen("\(folder.path)/\(name)", "r") else { return nil }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 32)
        let size = fread(&buffer, 1, buffer.count, file)
        return pid_t(String(decoding: buffer[..<size], as: UTF8.self).filter(\.isNumber))
    }

    @Test(
        "exit status 0 passes, another does not, and the first line that is printed says why",
        arguments: [
            ("exit 0", true, "exit status 0"), ("echo all is well; echo more", true, "all is well"),
            ("exit 2", false, "exit status 2"),
            ("echo; echo disk full >&2; exit 255", false, "exit status 255: disk full"),
            ("kill -SEGV $$", false, "killed by signal 11 (segmentation fault)"),
            ("echo dying; kill -9 $$", false, "killed by signal 9 (killed): dying"),
            (#"printf 'a\033[2Jb\tc\303\251\377'"#, true, "a?[2Jb?c\u{E9}\u{FFFD}"),
        ])
    func endings(line: String, ok: Bool, message: String) async {
        let outcome = await shell(line)
        #expect(outcome.ok == ok)
        #expect(outcome.message == message)
    }

    @Test("a long line is cut at 200 characters")
    func longLine() async {
        #expect(await shell(#"printf '%0300d' 7"#).message == String(repeating: "0", count: 200))
    }

    @Test("a program is told what it checks, inherits nothing else, and reads nothing")
    func surroundings() async throws {
        let folder = Folder()
        setenv("RSAGENT_TEST_SECRET", "x", 1)
        defer { unsetenv("RSAGENT_TEST_SECRET") }
        let outcome = await ask(
            .exec([
                "/bin/sh", "-c",
                """
                exec 3>"$0"; env | grep -v '^PWD=\\|^_=\\|^SHLVL=\\|^OLDPWD=' | sort >&3; exec 3>&-
                cat; pwd
                """, "\(folder.path)/environment",
            ]), host: "192.0.2.10", port: 8_080)
        #expect(outcome.ok, "\(outcome.message)")
        #expect(outcome.message == "/")
        let file = try #require(fopen("\(folder.path)/environment", "r"))
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let size = fread(&buffer, 1, buffer.count, file)
        #expect(
            String(decoding: buffer[..<size], as: UTF8.self) == """
                LC_ALL=C.UTF-8
                PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
                RSAGENT_ADDRESS=192.0.2.10
                RSAGENT_PORT=8080
                RSAGENT_SERVICE=web

                """)
    }

    @Test("no descriptor of ours and no signal's setting reaches a program")
    func inheritance() async throws {
        // Without close-on-exec, as a library may open one.
        let leaky = dup(2)
        defer { close(leaky) }
        // `ls` has 3 open itself, on the folder it lists.
        #expect(await shell("echo $(ls /proc/self/fd)").message == "0 1 2 3")
        let before = signal(SIGPIPE, SIG_IGN)
        defer { signal(SIGPIPE, before) }
        // Hexadecimal; bit 12 is SIGPIPE, 13 (proc(5), signal(7)).
        let ignored = await shell("sed -n 's/^SigIgn:[^0-9a-f]*//p' /proc/self/status").message
        #expect(try #require(UInt64(ignored, radix: 16)) & 1 << 12 == 0)
    }

    @Test("a program that cannot be run is named with its cure")
    func notStarted() async throws {
        let folder = Folder()
        for (name, text) in [("plain", "#!/bin/sh\n"), ("foreign", "#!/nonexistent/perl\n"), ("formless", "exit 0\n")] {
            try folder.write(text, to: name)
            chmod("\(folder.path)/\(name)", name == "plain" ? 0o644 : 0o755)
        }
        for (path, message) in [
            ("/nonexistent/check", "no such file or directory; install it, or correct `exec`"),
            ("\(folder.path)/plain", "permission denied; it must be a file that may be executed (chmod a+x)"),
            (folder.path, "permission denied; it must be a file that may be executed (chmod a+x)"),
            (
                "\(folder.path)/foreign",
                "no such file or directory; the interpreter that its first line (#!) or its ELF header names is missing"
            ),
            ("\(folder.path)/formless", "exec format error; a script begins with its interpreter (#!/bin/sh)"),
        ] {
            let outcome = await ask(.exec([path]))
            #expect(!outcome.ok)
            #expect(outcome.message == "cannot run \(path): \(message)")
        }
        #expect(try children().isEmpty)
    }

    @Test("a program that never ends is killed when the time is up, with its children, and reaped")
    func late() async throws {
        let folder = Folder()
        let outcome = await shell(
            #"echo $$ >"$1/self"; sleep 1000 & echo $! >"$1/child"; (sleep 1000 & echo $! >"$1/grandchild"; wait) & wait"#,
            folder.path, timeout: .seconds(2))
        #expect(!outcome.ok)
        #expect(outcome.message == "no answer within 2s")
        let program = try #require(number(in: folder, "self"))
        #expect(!isThere(program), "it is gone, and no zombie, when the answer is there")
        for name in ["child", "grandchild"] {
            let process = try #require(number(in: folder, name))
            // Who reaps an orphan is not ours to say.
            try await eventually("\(name) has ended") { !isThere(process) || isZombie(process) }
        }
    }

    private func isZombie(_ process: pid_t) -> Bool {
        guard let file = fopen("/proc/\(process)/stat", "r") else { return false }
        defer { fclose(file) }
        var buffer = [UInt8](repeating: 0, count: 512)
        let size = fread(&buffer, 1, buffer.count, file)
        return String(decoding: buffer[..<size], as: UTF8.self).contains(") Z ")
    }

    @Test("a program that ignores signals is killed all the same")
    func stubborn() async {
        let outcome = await shell(#"trap "" TERM INT HUP; while :; do sleep 1; done"#, timeout: .milliseconds(500))
        #expect(outcome.message == "no answer within 500ms")
    }

    @Test("a child that goes on and holds the output open holds up nothing, and does not outlive the question")
    func leftBehind() async throws {
        let folder = Folder()
        let outcome = await shell(#"sleep 1000 & echo $! >"$1/child"; echo fine"#, folder.path)
        #expect(outcome.ok)
        #expect(outcome.message == "fine")
        #expect(outcome.latency < .seconds(15), "its end counts, not that of its output")
        let child = try #require(number(in: folder, "child"))
        try await eventually("the child has ended") { !isThere(child) || isZombie(child) }
    }

    @Test("a program that prints without end is killed")
    func printsTooMuch() async throws {
        let folder = Folder()
        let outcome = await shell(#"echo $$ >"$1/self"; exec head -c 1000000000 /dev/zero"#, folder.path)
        #expect(!outcome.ok)
        #expect(outcome.message == "killed: it printed more than 1048576 bytes")
        #expect(!isThere(try #require(number(in: folder, "self"))))
        #expect(await shell("head -c 1048576 /dev/zero").ok, "so much is allowed")
        #expect(!(await shell("head -c 1048577 /dev/zero").ok))
    }

    @Test("a program that closes its output is waited for")
    func closesOutput() async {
        #expect(await shell("exec >&- 2>&-; sleep 0.2; exit 3").message == "exit status 3")
    }

    @Test("the end of checking ends a program at once, and its end is waited for")
    func cancelled() async throws {
        let folder = Folder()
        let task = Task { await shell(#"echo $$ >"$1/self"; sleep 1000"#, folder.path, timeout: .seconds(3_600)) }
        try await eventually("it runs") { number(in: folder, "self") != nil }
        let program = try #require(number(in: folder, "self"))
        task.cancel()
        _ = await task.value
        #expect(!isThere(program))
    }

    @Test("text that differs in figures only is the same answer; other text is another one")
    func figures() async throws {
        let folder = Folder()
        func say(_ text: String) throws { try folder.write("echo '\(text)'\n", to: "script") }
        try say("OK - 12 ms")
        let checker = CheckTarget(
            service: "web", name: "x",
            check: AgentConfiguration.Check(.exec(["/bin/sh", "\(folder.path)/script"]), timeout: .seconds(20)),
            endpoint: SocketAddress(address: address("127.0.0.1"), port: 1)
        ).makeChecker(on: MultiThreadedEventLoopGroup.singleton)
        #expect(await checker.ask().message == "OK - 12 ms")
        try say("OK - 7 ms")
        #expect(await checker.ask().message == "OK - 12 ms")
        try say("slow - 7 ms")
        #expect(await checker.ask().message == "slow - 7 ms")
        await checker.stop()
    }

    @Test("many programs that hang at once hold up neither another program nor each other")
    func manyHang() async throws {
        let folder = Folder()
        let hanging = (0..<100).map { number in
            Task { await shell(#"echo $$ >"$1/$2"; sleep 1000"#, folder.path, "\(number)", timeout: .seconds(3_600)) }
        }
        try await eventually("all of them run", within: .seconds(60)) {
            (0..<100).allSatisfy { number(in: folder, "\($0)") != nil }
        }
        #expect(await shell("echo fine").message == "fine")
        let server = try await CheckedServer()
        #expect(await ask(.http(.init("/")), port: server.port).message == "200")
        try await server.stop()
        for task in hanging { task.cancel() }
        for task in hanging { #expect(await task.value.message == "killed: the agent stops") }
        #expect(try children().isEmpty)
    }
}

@Suite("systemd check")
struct SystemdCheckTests {
    /// Asks a systemctl that is a script of ours.
    private func ask(_ script: String, booted: Bool = true) async throws -> CheckOutcome {
        let folder = Folder()
        try folder.write("#!/bin/sh\n\(script)\n", to: "systemctl")
        chmod("\(folder.path)/systemctl", 0o755)
        return await SystemdChecker(
            unit: "nginx.service", timeout: .seconds(20), group: MultiThreadedEventLoopGroup.singleton,
            systemctl: "\(folder.path)/systemctl", booted: booted ? "/" : "/nonexistent"
        ).ask()
    }

    @Test(
        "an active unit passes, and the state is told in systemd's word",
        arguments: [
            ("echo active", true, "active"), ("echo inactive; exit 3", false, "inactive"),
            ("echo failed; exit 3", false, "failed"), ("echo activating; exit 3", false, "activating"),
            ("echo Failed to connect to bus >&2; exit 1", false, "Failed to connect to bus"),
            ("exit 4", false, "exit status 4"), (#"echo "$*""#, true, "is-active -- nginx.service"),
        ])
    func states(script: String, ok: Bool, message: String) async throws {
        let outcome = try await ask(script)
        #expect(outcome.ok == ok)
        #expect(outcome.message == message)
    }

    @Test("a host without systemd fails by name")
    func noSystemd() async throws {
        let outcome = try await ask("echo active", booted: false)
        #expect(!outcome.ok)
        #expect(
            outcome.message == "systemd does not run this host: /nonexistent is missing; ask by another kind of check")
    }
}

@Suite("file check")
struct FileCheckTests {
    @Test("a file is there or not, whichever is wanted")
    func existence() async throws {
        let folder = Folder()
        try folder.write("", to: "maint")
        #expect(symlink("/nonexistent", "\(folder.path)/dangling") == 0)
        let there = "\(folder.path)/maint"
        for (path, exists, ok, message) in [
            (there, true, true, "it is there"), (there, false, false, "it is there"),
            ("\(folder.path)/other", true, false, "it is not there"),
            ("\(folder.path)/other", false, true, "it is not there"),
            ("\(there)/below", false, true, "it is not there"),
            ("\(folder.path)/dangling", false, true, "it is not there"), (folder.path, true, true, "it is there"),
            ("/\(String(repeating: "x", count: 300))", false, false, "cannot look at it: file name too long"),
        ] {
            let outcome = await ask(.file(path: path, exists: exists))
            #expect(outcome.ok == ok, "\(path)")
            #expect(outcome.message == message)
        }
    }

    @Test("a look that hangs fails when the time is up, is not joined by a second, and holds up nothing else")
    func hangs() async throws {
        let (looks, isReleased) = (Box(0), Box(false))
        var hanging = FileChecker(
            path: "/", exists: true, timeout: .milliseconds(100), group: MultiThreadedEventLoopGroup.singleton)
        hanging.look = { _ in
            looks.change { $0 += 1 }
            while !isReleased.value { usleep(1_000) }
            return 0
        }
        #expect(await hanging.ask().message == "no answer within 100ms")
        #expect(await hanging.ask().message == "an earlier question still hangs in the kernel")
        #expect(looks.value == 1)
        #expect(await ask(.file(path: "/", exists: true)).ok)
        let task = Task { [hanging] in await hanging.ask() }
        task.cancel()
        #expect(!(await task.value.ok))
        isReleased.value = true
        try await eventually("it has come back") { await hanging.ask().ok }
    }
}
