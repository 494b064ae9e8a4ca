internal import Glibc
internal import Testing

@testable internal import Director

@Suite("the control socket")
struct ControlSocketTests {
    /// Runs `body` with the path of a folder that does not exist yet, and sees that nothing is left of it.
    static func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/rsdirector-test-XXXXXX".utf8CString)
        let parent = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer { rmdir(parent) }
        let directory = "\(parent)/run"
        try body(directory)
        unlink("\(directory)/control.sock")
        rmdir(directory)
    }

    /// A listening socket at `path`; closing it leaves its file, as a kill does.
    static func listener(_ path: String) throws -> CInt {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, CInt(SOCK_STREAM.rawValue), 0)
        let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        try #require(bound == 0 && listen(descriptor, 1) == 0)
        return descriptor
    }

    @Test("the folder is made, and removed again with the socket")
    func makesDirectory() throws {
        try Self.withDirectory { directory in
            let control = try ControlSocket(runDirectory: directory)
            #expect(access(directory, F_OK) == 0)
            close(try Self.listener(control.path))
            control.withdraw()
            #expect(access(directory, F_OK) != 0)
        }
    }

    @Test("a folder that was there stays")
    func keepsDirectory() throws {
        try Self.withDirectory { directory in
            mkdir(directory, 0o755)
            let control = try ControlSocket(runDirectory: directory)
            close(try Self.listener(control.path))
            control.withdraw()
            #expect(access(directory, F_OK) == 0)
            #expect(access(control.path, F_OK) != 0)
        }
    }

    @Test("a folder that a killed director made is removed by the next one that stops well")
    func inheritsDirectory() throws {
        try Self.withDirectory { directory in
            close(try Self.listener(try ControlSocket(runDirectory: directory).path))
            try ControlSocket(runDirectory: directory).withdraw()
            #expect(access(directory, F_OK) != 0)
        }
    }

    @Test("a run directory that is no folder is refused by its name")
    func noFolder() throws {
        try Self.withDirectory { directory in
            close(open(directory, O_WRONLY | O_CREAT, 0o644))
            let error = #expect(throws: DirectorError.self) { _ = try ControlSocket(runDirectory: directory) }
            #expect(error?.description.contains("\(directory): Not a directory") == true)
            unlink(directory)
        }
    }

    @Test("the socket of a director that died is replaced, one of a director that lives is not")
    func deadAndAlive() throws {
        try Self.withDirectory { directory in
            mkdir(directory, 0o755)
            let path = ControlSocket.path(inRunDirectory: directory)
            let living = try Self.listener(path)
            #expect(ControlSocket.occupant(of: path) == .alive)
            #expect(throws: DirectorError.self) { try ControlSocket(runDirectory: directory) }
            #expect(access(path, F_OK) == 0)
            close(living)
            #expect(ControlSocket.occupant(of: path) == .dead)
            _ = try ControlSocket(runDirectory: directory)
            #expect(access(path, F_OK) != 0)
        }
    }

    @Test("a file that is no socket is never removed")
    func otherFile() throws {
        try Self.withDirectory { directory in
            mkdir(directory, 0o755)
            let path = ControlSocket.path(inRunDirectory: directory)
            close(open(path, O_CREAT | O_WRONLY, 0o600))
            #expect(throws: DirectorError.self) { try ControlSocket(runDirectory: directory) }
            #expect(access(path, F_OK) == 0)
        }
    }

    @Test("who asks where no director runs is told so")
    func notRunning() async throws {
        let directory = "/tmp/rsdirector-test-absent"
        await #expect(throws: DirectorError.self) { try await StatusClient(runDirectory: directory).status() }
        do {
            _ = try await StatusClient(runDirectory: directory).status()
        } catch {
            #expect(error.description.contains("it is not running (no \(directory)/control.sock)"))
        }
    }
}
