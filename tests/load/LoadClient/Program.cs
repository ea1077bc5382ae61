using System.Globalization;
using System.Runtime.InteropServices;
using LoadClient;

// LoadClient upstream ADDRESS                     answers chat completions
// LoadClient run --gateway FOLDER --yarp FOLDER   compares the published gateway with bare YARP; see tests/load.sh
//            [--scenario limits]                  compares it with itself: client key, limits and budget against none
switch (args)
{
    case ["upstream", var address]:
        await Upstream.RunAsync(address);
        return 0;
    case ["run", .. var rest]:
        var options = rest.Chunk(2).ToDictionary(pair => pair[0], pair => pair[1], StringComparer.Ordinal);
        var rounds = int.Parse(options.GetValueOrDefault("--rounds", "3"), CultureInfo.InvariantCulture);
        var time = TimeSpan.FromSeconds(double.Parse(options.GetValueOrDefault("--seconds", "3"), CultureInfo.InvariantCulture));
        Func<CancellationToken, Task<bool>> run = options.GetValueOrDefault("--scenario", "yarp") switch
        {
            "limits" => new LimitsComparison(options["--gateway"], options["--folder"], rounds, time).RunAsync,
            _ => new Comparison(options["--gateway"], options["--yarp"], options["--folder"], rounds, time).RunAsync,
        };
        using (var stop = new CancellationTokenSource(TimeSpan.FromMinutes(20)))
        {
            Action<PosixSignalContext> onSignal = context =>
            {
                context.Cancel = true;
                stop.Cancel();
            };
            using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, onSignal);
            using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, onSignal);
            try
            {
                return await run(stop.Token) ? 0 : 1;
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return 130;
            }
        }

    default:
        Console.Error.WriteLine("upstream ADDRESS | run --gateway FOLDER --yarp FOLDER --folder FOLDER [--scenario limits] [--rounds N] [--seconds N]");
        return 64;
}
