using System.Diagnostics;
using LlmGateway.FunctionalTests.Infrastructure;
using Microsoft.Extensions.Hosting;

/// <summary>
/// What .NET runs in a process that names this assembly in <c>DOTNET_STARTUP_HOOKS</c>, before its own first line: a gateway started so writes a
/// <see cref="TraceLog"/>. Name and place are .NET's.
/// </summary>
#pragma warning disable CA1050 // .NET looks for it outside of any namespace.
internal static class StartupHook
#pragma warning restore CA1050
{
    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(TraceFile.Variable) is { } path)
        {
            // Neither the gateway nor what it starts shall see that it is watched.
            Environment.SetEnvironmentVariable(TraceFile.Variable, null);
            Environment.SetEnvironmentVariable("DOTNET_STARTUP_HOOKS", null);
            DiagnosticListener.AllListeners.Subscribe(new Hosts(path));
        }
    }

    private sealed class Hosts(string path) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
            {
                value.Subscribe(this);
            }
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (value is { Key: "HostBuilding", Value: IHostBuilder host })
            {
                host.ConfigureServices(services => TraceLogProvider.AddTo(services, path, buffer: 0));
            }
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }
}
