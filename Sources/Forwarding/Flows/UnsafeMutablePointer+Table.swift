import CLinux

extension UnsafeMutablePointer {
    /// Memory for a table, in huge pages where it fills some and the kernel has them: look-ups go to random places, and with pages of
    /// 4 KiB each would cost the processor a walk through the page tables, in a guest through the host's as well. Untouched as yet; to be given back by
    /// `deallocate()`.
    static func allocateTable(capacity: Int) -> Self {
        let byteCount = capacity * MemoryLayout<Pointee>.stride
        let hugePage = 2 << 20
        let isLarge = byteCount >= hugePage
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: isLarge ? hugePage : 64)
        if isLarge { clinux_prefer_huge_pages(memory, byteCount / hugePage * hugePage) }
        return memory.bindMemory(to: Pointee.self, capacity: capacity)
    }
}
