using LlmGateway.Configuration;

namespace LlmGateway.Database;

/// <summary>Opens the database at the start and sees to it that its state is known and it is found again, whether or not anybody has work for it.</summary>
internal sealed class DatabaseProbe(IDatabase database, TimeProvider time) : BackgroundService
{
    /// <summary>The start waits no longer: a gateway starts without its database, too.</summary>
    private static readonly TimeSpan StartPatience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan WhileDown = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan WhileUp = TimeSpan.FromSeconds(5);

    /// <exception cref="StartupException">A newer version has written it.</exception>
    public override async Task StartAsync(CancellationToken cancellationToken)
    {
        try
        {
            await ProbeAsync(cancellationToken).WaitAsync(StartPatience, time, cancellationToken);
        }
        catch (DatabaseSchemaException exception)
        {
            throw new StartupException([new ConfigProblem("settings", null, SettingNames.DatabaseUrl, exception.Message, null)]);
        }
        catch (TimeoutException)
        {
            // It goes on in the background.
        }

        await base.StartAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            while (true)
            {
                await Task.Delay(database.IsUp ? WhileUp : WhileDown, time, stoppingToken);
                try
                {
                    await ProbeAsync(stoppingToken);
                }
                catch (DatabaseSchemaException)
                {
                    // It stays down, and says why.
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The host stops.
        }
    }

    private async Task ProbeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await database.RunAsync(
                static connection =>
                {
                    using var command = connection.CreateCommand();
                    command.CommandText = "SELECT 1";
                    return command.ExecuteScalar();
                },
                cancellationToken);
        }
        catch (DatabaseUnavailableException)
        {
            // The database itself has said so.
        }
    }
}
