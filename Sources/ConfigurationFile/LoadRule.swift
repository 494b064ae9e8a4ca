/// The keys of `[service.load]`.
enum LoadRule: String, CaseIterable {
    case cpu
    case cpuPressure = "cpu_pressure"
    case memory
    case loadAverage = "load_average"
    case connections
    case command

    /// What goes with the rules, and is none itself.
    static let settings = ["command_full", "min", "max", "smoothing", "step"]
}
