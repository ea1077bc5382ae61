using System.Collections;
using LlmGateway;
using LlmGateway.Configuration;

var inputs = new HostInputs
{
    Args = args,
    WorkingDirectory = Environment.CurrentDirectory,
    Variables = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>().ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? ""),
};
try
{
    await using var app = GatewayHost.Build(inputs);
    await app.RunAsync();
    return 0;
}
catch (StartupException exception)
{
    await Console.Error.WriteLineAsync(exception.Message);
    return StartupException.ExitCode;
}
catch (IOException exception) when (exception.InnerException is Microsoft.AspNetCore.Connections.AddressInUseException)
{
    await Console.Error.WriteLineAsync($"The gateway cannot start: {exception.Message} Stop the other program, or choose another address with --urls http://localhost:8081.");
    return 1;
}
