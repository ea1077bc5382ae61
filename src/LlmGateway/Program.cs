using System.Collections;
using LlmGateway;
using LlmGateway.Configuration;

if (OpenFileLimit.Describe() is { } tooFew)
{
    await Console.Error.WriteLineAsync(tooFew);
    return OpenFileLimit.ExitCode;
}

var inputs = new HostInputs
{
    Args = args,
    WorkingDirectory = Environment.CurrentDirectory,
    Variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""),
};
try
{
    return await GatewayCommands.RunAsync(inputs, ServeAsync, Console.Out, Console.Error);
}
catch (StartupException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return StartupException.ExitCode;
}
catch (Exception exception) when (ListenFailure.Describe(exception) is { } sentence)
{
    await Console.Error.WriteLineAsync(sentence);
    return ListenFailure.ExitCode;
}

async Task<int> ServeAsync()
{
    await using var app = GatewayHost.Build(inputs);
    await app.RunAsync();
    return 0;
}
