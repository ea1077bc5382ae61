using System.Runtime.InteropServices;
using LlmGateway.Configuration;

namespace LlmGateway.Lifecycle;

/// <summary>
/// What the process does on signals: the first one that asks it to go drains, a second one (or Ctrl-C in development) does not wait, and
/// SIGHUP reads the configuration again.
/// </summary>
internal sealed partial class SignalLifetime(
    IHostApplicationLifetime application, GatewayLifecycle lifecycle, ConfigWatcher configuration, HostSettings settings, ILogger<SignalLifetime> logger) : IHostLifetime, IDisposable
{
    private readonly List<PosixSignalRegistration> _registrations = [];
    private int _asked;

    public Task WaitForStartAsync(CancellationToken cancellationToken)
    {
        foreach (var signal in (ReadOnlySpan<PosixSignal>)[PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT])
        {
            _registrations.Add(PosixSignalRegistration.Create(signal, context =>
            {
                context.Cancel = true;
                Stop(isImpatient: context.Signal == PosixSignal.SIGINT && settings.IsDevelopment);
            }));
        }

        if (!OperatingSystem.IsWindows())
        {
            // There it means that the console is going away, and the process with it.
            _registrations.Add(PosixSignalRegistration.Create(PosixSignal.SIGHUP, context =>
            {
                context.Cancel = true;
                Reload();
            }));
        }

        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public void Dispose() => _registrations.ForEach(registration => registration.Dispose());

    private void Stop(bool isImpatient)
    {
        if (Interlocked.Increment(ref _asked) > 1 || isImpatient)
        {
            lifecycle.Hurry();
        }

        application.StopApplication();
    }

    private void Reload()
    {
        try
        {
            // What is wrong with the files is logged where they are judged.
            configuration.Reload();
        }
        catch (Exception exception)
        {
            Log.ReloadFailed(logger, exception);
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1204, LogLevel.Error, "The configuration could not be read again")]
        public static partial void ReloadFailed(ILogger logger, Exception exception);
    }
}
