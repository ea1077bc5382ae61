using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;

namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>A program that a test runs beside the gateway; what it says is kept, and it is stopped by its own id.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const int Interrupt = 2;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private readonly Process _process;
    private readonly ConcurrentQueue<string> _output = new();

    private ServerProcess(Process process)
    {
        _process = process;
        process.OutputDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.ErrorDataReceived += (_, line) => _output.Enqueue(line.Data ?? "");
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Output => string.Join('\n', _output);

    public bool HasExited => _process.HasExited;

    /// <summary>Starts a program; it ends with <see cref="DisposeAsync"/>.</summary>
    public static ServerProcess Start(string workingDirectory, string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = workingDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        return new ServerProcess(Process.Start(start)!);
    }

    /// <summary>Runs a program to its end, which must be a good one, and answers what it said.</summary>
    public static async Task<string> RunAsync(string workingDirectory, string program, params IEnumerable<string> arguments)
    {
        await using var process = Start(workingDirectory, program, arguments);
        using var limit = new CancellationTokenSource(Limit * 3);
        await process._process.WaitForExitAsync(limit.Token);
        return process._process.ExitCode == 0 ? process.Output : throw new InvalidOperationException($"{program} ended with {process._process.ExitCode}:\n{process.Output}");
    }

    /// <summary>Asks until the condition holds; a program that has ended is told at once.</summary>
    public Task WaitUntilAsync(Func<ValueTask<bool>> isReady, string what) => Eventually.AnswersAsync<bool>(
        async () => _process.HasExited ? throw new InvalidOperationException($"It ended instead of being {what}:\n{Output}") : await isReady() ? true : null, what, Limit);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited && Kill(_process.Id, Interrupt) == 0)
        {
            using var limit = new CancellationTokenSource(Limit);
            try
            {
                await _process.WaitForExitAsync(limit.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }

        _process.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);
}
