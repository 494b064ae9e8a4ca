import ArgumentParser
import ConfigurationFile

/// Which file to read.
struct FileOption: ParsableArguments {
    @Option(name: .customLong("config"), help: ArgumentHelp("The configuration.", valueName: "file"))
    var path = "/etc/rsdirector/rsdirector.toml"

    /// What the file says. Its problems go to standard error, and the command ends with 1.
    func load() throws(ConfigurationError) -> DirectorConfiguration {
        try DirectorConfiguration.load(path: path)
    }
}
