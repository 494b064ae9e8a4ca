internal import Forwarding
internal import Glibc

extension BootMoment {
    /// Now, on this machine; nil where the kernel does not say.
    static var now: BootMoment? {
        var time = timespec()
        guard clock_gettime(CLOCK_BOOTTIME, &time) == 0 else { return nil }
        let descriptor = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { close(descriptor) }
        var buffer = [UInt8](repeating: 0, count: 64)
        let length = read(descriptor, &buffer, buffer.count)
        guard length > 0 else { return nil }
        let boot = String(decoding: buffer[..<length].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
        return BootMoment(boot: boot, milliseconds: UInt64(time.tv_sec) * 1000 + UInt64(time.tv_nsec) / 1_000_000)
    }
}
