import Glibc
import Lab
import Testing

extension TheLab {
    /// `make demo`, as a newcomer types it.
    @Suite("make demo")
    struct DemoTests {
        @Test("it tells its story to the end, with nothing lost but what was in flight, and leaves nothing behind")
        func story() async throws {
            let before = try await machine()
            let demo = try await Command.run(["make", "-C", Repository.path, "demo"])
            #expect(demo.status == 0, "\(demo.text.suffix(4_000))")
            #expect(demo.output.contains("Done. Nothing is left behind."))
            #expect(demo.output.contains("lost without having been sent to rs2: 0"))
            #expect(try await machine() == before)
        }

        @Test(
            "interrupted at any chapter, it clears away",
            arguments: zip([SIGINT, SIGTERM, SIGHUP], ["── 1.", "── 4.", "── 3."]))
        func interrupted(signal: Int32, chapter: String) async throws {
            let scratch = try ScratchDirectory()
            let before = try await machine()
            let demo = try LabProcess([Product.demo], log: "\(scratch.path)/log")
            try await Deadline.wait(until: chapter, limit: .seconds(120)) {
                if demo.exitStatus != nil { throw LabError("the demo ended: \(try demo.output)") }
                return try demo.output.contains(chapter)
            }
            #expect(try await demo.stop(signal, limit: .seconds(60)) == 130)
            #expect(try await machine() == before)
        }

        /// What could be left on the machine: a lab's namespaces, processes and files, and links and nftables of its own.
        private func machine() async throws -> String {
            let script = """
                ip netns list | grep ^rslab-; ip -oneline link | cut -d: -f2; nft list ruleset
                grep -ls '/tmp/[r]slab-' /proc/[0-9]*/cmdline
                ls -d /tmp/[r]slab-* 2>/dev/null
                """
            return try await Command.run(["sh", "-c", script]).output
        }
    }
}
