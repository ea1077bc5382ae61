using System.CommandLine;
using LlmGateway.Lifecycle;
using LlmGateway.ModelTests;
using LlmGateway.ModelTests.Checks;

namespace LlmGateway;

/// <summary>The command line: <c>serve</c> (also without a verb), <c>test-models</c>, <c>check</c> and <c>health</c>.</summary>
internal static class GatewayCommands
{
    /// <summary>EX_USAGE of sysexits.h: a verb or option that does not exist, or a value that it does not take.</summary>
    public const int UsageExitCode = 64;

    /// <summary>Runs what the arguments say and answers the exit code.</summary>
    /// <param name="inputs">Arguments, variables and working directory.</param>
    /// <param name="serve">Starts the gateway and returns when it has ended; it reads <c>--urls</c> itself.</param>
    /// <param name="output">Reports and help.</param>
    /// <param name="error">Progress, and what is wrong with the arguments.</param>
    public static async Task<int> RunAsync(HostInputs inputs, Func<Task<int>> serve, TextWriter output, TextWriter error)
    {
        // No response files: an argument is never the name of a file with more of them.
        var arguments = Describe(inputs, serve, output, error).Parse(inputs.Args, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (arguments.Errors.Count > 0)
        {
            foreach (var problem in arguments.Errors)
            {
                await error.WriteLineAsync(problem.Message);
            }

            await error.WriteLineAsync("Verbs: serve (default), test-models, check, health. Each has --help.");
            return UsageExitCode;
        }

        // Signals are the host's own affair: it drains.
        return await arguments.InvokeAsync(new InvocationConfiguration
        {
            Output = output,
            Error = error,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    private static RootCommand Describe(HostInputs inputs, Func<Task<int>> serve, TextWriter output, TextWriter error)
    {
        var root = new RootCommand("An OpenAI-compatible gateway for language models. Without a verb it serves.") { Urls() };
        root.SetAction((_, _) => serve());
        var listen = new Command("serve", "Serve requests (default). Ends with 0 after a shutdown, 78 when the configuration is wrong, 1 when it cannot listen.") { Urls() };
        listen.SetAction((_, _) => serve());
        var check = new Command("check", "Check settings, files, keys, providers, models, Redis, database and MCP servers, and say what to do. Ends with 0 when all is well, else 1.");
        check.SetAction((_, cancellationToken) => GatewayCheck.RunAsync(inputs, output, cancellationToken));
        root.Subcommands.Add(listen);
        root.Subcommands.Add(TestModels(inputs, output, error));
        var health = new Command("health", "Ask the gateway of this machine whether it is ready, for containers that hold nothing else to ask with. Ends with 0 when it is, else 1.") { Urls() };
        health.SetAction((_, _) => HealthProbe.RunAsync(GatewayHost.ListenUrls(inputs), error));
        root.Subcommands.Add(check);
        root.Subcommands.Add(health);
        return root;
    }

    private static Option<string> Urls() => new("--urls")
    {
        Description = "Addresses to listen at, with semicolons between. Default: ASPNETCORE_URLS, else http://localhost:8080.",
        HelpName = "addresses",
    };

    private static Command TestModels(HostInputs inputs, TextWriter output, TextWriter error)
    {
        var format = new Option<string>("--format") { Description = "Form of the report.", DefaultValueFactory = _ => "markdown" };
        format.AcceptOnlyFromAmong("markdown", "json");
        var file = new Option<string?>("--output") { Description = "File that takes the report. Default: standard output.", HelpName = "file" };
        var provider = new Option<string?>("--provider") { Description = "Test the models of this provider alone.", HelpName = "name" };
        var write = new Option<bool>("--write-capabilities")
        {
            Description = "Write what was found (supports_tools, supports_vision, supports_json_schema) into llm_settings.yaml.",
        };
        var command = new Command(
            "test-models",
            "Ask every configured model what it can do, and report. It makes about eight small calls for each model, which cost what they cost. Ends with 0, or 1 when no model answered or the settings could not be written.")
        {
            format, file, provider, write,
        };
        command.SetAction((arguments, cancellationToken) => ModelTestCommand.RunAsync(
            inputs,
            new ModelTestOptions(arguments.GetValue(format) == "json", arguments.GetValue(file), arguments.GetValue(provider), arguments.GetValue(write)),
            output,
            error,
            cancellationToken));
        return command;
    }
}
