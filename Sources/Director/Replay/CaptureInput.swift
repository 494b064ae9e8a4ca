internal import Glibc

/// A capture file that is read from its beginning, more than once.
final class CaptureInput {
    let path: String
    /// How long the file is, in bytes.
    let size: Int
    private let descriptor: CInt
    private var buffer = [UInt8](repeating: 0, count: 1 << 20)
    /// What of the buffer was read from the file and not taken yet.
    private var left = 0..<0

    /// Opens the file.
    ///
    /// - Throws: `DirectorError` where it cannot be read, or is no file that could be read twice.
    init(path: String) throws(DirectorError) {
        self.path = path
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw DirectorError(operation: "read the capture \(path)", cause: DirectorError.words(errno))
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            close(descriptor)
            throw DirectorError(
                operation: "read the capture \(path)", cause: "it is no regular file, and a capture is read twice",
                cure: "save it to a file first")
        }
        self.descriptor = descriptor
        size = Int(status.st_size)
    }

    deinit { close(descriptor) }

    /// Whether this path leads to the same file.
    func isSame(as other: String) -> Bool {
        var (mine, its) = (stat(), stat())
        guard fstat(descriptor, &mine) == 0, stat(other, &its) == 0 else { return false }
        return mine.st_dev == its.st_dev && mine.st_ino == its.st_ino
    }

    /// Hands the frames over, from the first one; returns why the file ended before its end, or nil.
    func read(
        _ take: (CaptureReader.Captured, CaptureFormat) throws(DirectorError) -> Void
    ) throws(DirectorError) -> String? {
        lseek(descriptor, 0, SEEK_SET)
        left = 0..<0
        let reader: CaptureReader
        do throws(CaptureError) {
            reader = try CaptureReader { (room) throws(CaptureError) in try self.take(into: room) }
        } catch {
            throw failure(error)
        }
        while let frame = try next(reader) { try take(frame, reader.format) }
        return reader.flaw
    }

    private func next(_ reader: CaptureReader) throws(DirectorError) -> CaptureReader.Captured? {
        do throws(CaptureError) {
            return try reader.next()
        } catch {
            throw failure(error)
        }
    }

    private func failure(_ error: CaptureError) -> DirectorError {
        DirectorError(operation: "read the capture \(path)", cause: error.cause, cure: error.cure)
    }

    private func take(into room: UnsafeMutableRawBufferPointer) throws(CaptureError) -> Int {
        if left.isEmpty {
            let length = buffer.count
            var count = Glibc.read(descriptor, &buffer, length)
            while count < 0, errno == EINTR { count = Glibc.read(descriptor, &buffer, length) }
            guard count >= 0 else { throw .unreadable(DirectorError.words(errno)) }
            left = 0..<count
        }
        let taken = left.prefix(room.count)
        buffer.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[taken])) }
        left = taken.endIndex..<left.endIndex
        return taken.count
    }
}
