import CLinux
import ConfigurationFile
import Glibc
import Testing

@Suite("Loading from disk")
struct LoadTests {
    /// A directory of its own for each test, gone afterwards.
    private func withDirectory(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/configuration-XXXXXX".utf8CString)
        try #require(mkdtemp(&template) != nil)
        let directory = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        defer {
            unlink("\(directory)/file.toml")
            rmdir(directory)
        }
        try body(directory)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    /// What is said of the file; empty: it was taken.
    private func problems(_ path: String) -> String {
        do throws(ConfigurationError) {
            _ = try AgentConfiguration.load(path: path)
            return ""
        } catch {
            return error.description
        }
    }

    @Test("a file that is valid is read")
    func valid() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            try write(Array(AgentConfiguration.example.utf8), to: path)
            #expect(try AgentConfiguration.load(path: path).services.map(\.name) == ["web"])
            try write(Array(DirectorConfiguration.example.utf8), to: path)
            #expect(try DirectorConfiguration.load(path: path).services.map(\.name) == ["web"])
        }
    }

    @Test("a problem names the file as it was given")
    func invalid() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            try write(Array("service = 1\n".utf8), to: path)
            #expect(
                problems(path)
                    == "\(path):1: service: is a number, not a list of tables; open each with [[service]]")
        }
    }

    @Test("a file that is not there is refused with where to get one")
    func missing() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            #expect(
                problems(path)
                    == "\(path): there is no such file; `rsagent config example` prints one to start from")
            let error = #expect(throws: ConfigurationError.self) { try DirectorConfiguration.load(path: path) }
            #expect(error?.problems.first?.cure == "`rsdirector config example` prints one to start from")
        }
    }

    @Test("a directory is refused")
    func directory() throws {
        try withDirectory { directory in
            #expect(problems(directory) == "\(directory): is a directory; name the file in it")
        }
    }

    @Test("a path through a file is refused with the system's words")
    func notADirectory() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            try write([], to: path)
            #expect(
                problems("\(path)/x") == "\(path)/x: cannot be read: Not a directory; check the path and the disk")
        }
    }

    @Test("a file without permission is refused")
    func unreadable() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            try write(Array(AgentConfiguration.example.utf8), to: path)
            #expect(chmod(path, 0) == 0)
            // Root may read every file: be nobody for the moment.
            let user = clinux_set_filesystem_user(65_534)
            let found = problems(path)
            _ = clinux_set_filesystem_user(user)
            #expect(found == "\(path): may not be read by this user; run as root, or make the file readable")
        }
    }

    @Test("a file that is not UTF-8 is refused with the line")
    func notUTF8() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            try write(Array("# one\n# tw".utf8) + [0xF6] + Array("\n# three\n".utf8), to: path)
            #expect(problems(path) == "\(path):2: is not UTF-8; save the file as UTF-8")
            // Cut in the middle of a character.
            try write(Array("# é".utf8.dropLast()), to: path)
            #expect(problems(path) == "\(path):1: is not UTF-8; save the file as UTF-8")
        }
    }

    @Test("a file that can be no configuration for its size is refused, and one without end too")
    func tooLarge() throws {
        try withDirectory { directory in
            let path = "\(directory)/file.toml"
            let comments = [UInt8](repeating: UInt8(ascii: "#"), count: 1 << 20)
            try write(comments + [UInt8(ascii: "\n")], to: path)
            #expect(problems(path) == "\(path): is larger than 1048576 bytes; name a configuration file")
            #expect(problems("/dev/zero") == "/dev/zero: is larger than 1048576 bytes; name a configuration file")
            try write(comments, to: path)
            #expect(problems(path).hasPrefix("\(path):1: service: is missing"))
        }
    }
}
