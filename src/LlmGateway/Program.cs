using System.Collections;
using LlmGateway;
using LlmGateway.Configuration;
using LlmGateway.Lifecycle;

var inputs = new HostInputs
{
    Args = args,
    WorkingDirectory = Environment.CurrentDirectory,
    Variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""),
};
try
{
    if (args is ["health"])
    {
        return await HealthProbe.RunAsync(GatewayHost.ListenUrls(inputs), Console.Error);
    }

    await using var app = GatewayHost.Build(inputs);
    await app.RunAsync();
    return 0;
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
