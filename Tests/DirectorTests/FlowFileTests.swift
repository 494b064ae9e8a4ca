internal import Forwarding
internal import Glibc
internal import Lab
internal import Testing

@testable internal import Director

@Suite("the file that connections are saved in")
struct FlowFileTests {
    private func error(_ file: FlowFile) -> String {
        do {
            let content = try file.read()
            return "\(content?.count ?? 0) bytes"
        } catch {
            return "\(error)"
        }
    }

    @Test("what was written is read, by its owner alone, and no more once it was removed")
    func wholeLife() throws {
        let scratch = try ScratchDirectory()
        let file = FlowFile(runDirectory: scratch.path, flows: 1024)
        #expect(try file.read() == nil)
        let content = (0..<100_000).map { UInt8(truncatingIfNeeded: $0) }
        try file.write([1, 2, 3])
        try file.write(content)
        #expect(try file.read() == content)
        #expect(try Command.run(["ls", scratch.path]).output == "flows\n")
        var status = stat()
        #expect(stat(file.path, &status) == 0 && status.st_mode & 0o777 == 0o600)
        file.remove()
        #expect(try file.read() == nil)
    }

    @Test("what is not the director's own, or longer than it can be, is not read")
    func refused() throws {
        let scratch = try ScratchDirectory()
        let file = FlowFile(runDirectory: scratch.path, flows: 1024)
        try file.write([1])
        #expect(rename(file.path, "\(scratch.path)/other") == 0 && symlink("other", file.path) == 0)
        #expect(error(file).hasPrefix("cannot read \(file.path): "))
        #expect(unlink(file.path) == 0 && mkfifo(file.path, 0o600) == 0)
        #expect(error(file).contains("no file of the director's own"))
        unlink(file.path)
        try file.write([1])
        #expect(truncate(file.path, file.limit) == 0)
        #expect(try file.read()?.count == file.limit)
        #expect(truncate(file.path, file.limit + 1) == 0)
        #expect(error(file).contains("more than `flows` of this configuration can fill"))
        guard geteuid() == 0 else { return }
        #expect(truncate(file.path, 1) == 0 && chown(file.path, 65_534, 65_534) == 0)
        #expect(error(file).contains("no file of the director's own"))
    }

    @Test("where it cannot be written that is told, and nothing is left half done")
    func unwritable() throws {
        let file = FlowFile(runDirectory: "/nowhere/at/all", flows: 1024)
        #expect(throws: DirectorError(operation: "write /nowhere/at/all/flows", cause: "No such file or directory")) {
            try file.write([1])
        }
    }

    @Test("the folder that a director made stays while connections are in it, and goes with the stop that leaves none")
    func folder() throws {
        let scratch = try ScratchDirectory()
        let directory = "\(scratch.path)/run"
        let file = FlowFile(runDirectory: directory, flows: 1024)
        try ControlSocket(runDirectory: directory).withdraw()
        #expect(access(directory, F_OK) != 0)
        let first = try ControlSocket(runDirectory: directory)
        try file.write([1])
        first.withdraw()
        #expect(try file.read() == [1])
        let second = try ControlSocket(runDirectory: directory)
        file.remove()
        second.withdraw()
        #expect(access(directory, F_OK) != 0)
    }

    @Test("the clock that tells how long ago it was goes on, in one run of the kernel")
    func clock() throws {
        let first = try #require(BootMoment.now)
        #expect(first.boot.count == 36)
        try Deadline.wait("a millisecond") { BootMoment.now.map { $0.milliseconds > first.milliseconds } ?? false }
        #expect(BootMoment.now?.boot == first.boot)
    }
}
