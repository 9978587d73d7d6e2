extension CommandLineTool {
    static let benchCommand = Subcommand(
        name: "bench", summary: "measures speed beside its limits", help: "", options: OptionSet(options: [])
    ) { _ in 0 }
}
