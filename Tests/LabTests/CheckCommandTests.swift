import Lab
import Testing

/// `rsagent check` as the program a director runs: what it exits with where it has nothing good to say.
@Suite("rsagent check")
struct CheckCommandTests {
    @Test(
        "whatever is wrong is a failure, and never a status that keepalived takes for a weight",
        arguments: [
            "check", "check web", "check web --keepalived --ldirectord", "check web --keepalive",
            "check web --keepalived 192.0.2.10 80 10.0.0.11 80", "check web --ldirectord 192.0.2.10 80",
            "check web --keepalived --token-file /x", "check web --keepalived --socket /nonexistent",
            "check web --keepalived --config /nonexistent", "check web --keepalived --agent ftp://x",
            "check web --keepalived --agent http://127.0.0.1:1", "check web --keepalived --agent https://x --key /x",
            "check web --ldirectord 192.0.2.10 80 127.0.0.1 80", "check web --ldirectord 192.0.2.10 80 nobody 80",
            "check web --keepalived --https",
            "check web --ldirectord --agent http://x --https 192.0.2.10 80 10.0.0.1 80",
        ])
    func failures(line: String) throws {
        let run = try Command.run([Product.agent] + line.split(separator: " ").map(String.init))
        #expect(run.status == 1, "\(run.text)")
        #expect(!run.text.isEmpty)
    }

    @Test(
        "ldirectord's RIP is asked over https where anything of TLS is given, over http else",
        arguments: [
            ("", "http://127.0.0.1:9380"), ("--https", "https://127.0.0.1:9380"),
            ("--ca /nonexistent", "/nonexistent"), ("--agent http://127.0.0.1:1 --ca /x", "plain HTTP has no use"),
        ])
    func overTLS(options: String, expected: String) throws {
        let line = "check web --ldirectord \(options) 192.0.2.10 80 127.0.0.1 80"
        let run = try Command.run([Product.agent] + line.split(separator: " ").map(String.init))
        #expect(run.status == 1 && run.text.contains(expected), "\(run.text)")
    }

    @Test("every exit status of a drain is in its help")
    func drainHelp() throws {
        let words = try Command.run([Product.agent, "help", "drain"]).text.split(whereSeparator: \.isWhitespace)
        for status in ["0", "1", "3", "4", "5", "64", "130"] {
            #expect(words.contains { $0 == status }, "\(status): \(words.joined(separator: " "))")
        }
    }

    @Test("a program that waits for something that never comes ends with its second")
    func timeLimit() throws {
        let scratch = try ScratchDirectory()
        let pipe = "\(scratch.path)/pipe"
        #expect(try Command.run(["mkfifo", pipe]).status == 0)
        let check = ["timeout", "60", Product.agent, "check", "web", "--keepalived"]
        // The configuration may be a pipe, as a shell's `<(…)` is: nobody writes to this one.
        let waiting = try Command.run(check + ["--config", pipe])
        #expect(waiting.status == 1 && waiting.text.contains("no answer in time"), "\(waiting.text)")
        // A token is read from a regular file only: nothing to wait for.
        let refused = try Command.run(check + ["--agent", "http://127.0.0.1:1", "--token-file", pipe])
        #expect(refused.status == 1 && refused.text.contains("it is no regular file"), "\(refused.text)")
    }
}
