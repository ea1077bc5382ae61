namespace LlmGateway.Configuration;

/// <summary>
/// Polls the three files and puts what is good in force. Polling by content is right for a save in place, an atomic rename
/// and Kubernetes' link swap alike, where file notifications are not. A file is judged when two polls in a row agree,
/// so a half-written one is not; one that is gone needs a third, because a rename takes it away for a moment.
/// </summary>
public sealed partial class ConfigWatcher : BackgroundService
{
    private const int MissingPolls = 3;

    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(500);

    private readonly ConfigLoader _loader;
    private readonly StartRules _rules;
    private readonly GatewayConfigSource _source;
    private readonly TimeProvider _time;
    private readonly ILogger<ConfigWatcher> _logger;
    private readonly Lock _gate = new();
    private ConfigFileSet _seen;
    private ConfigFileSet _judged;
    private ConfigFileSet _good;
    private int _agreeing = 1;

    public ConfigWatcher(ConfigStart start, GatewayConfigSource source, TimeProvider time, ILogger<ConfigWatcher> logger)
    {
        _loader = start.Loader;
        _rules = start.Rules;
        _source = source;
        _time = time;
        _logger = logger;
        _seen = _judged = _good = start.Files;
    }

    /// <summary>Called after each poll of the timer's, so that tests can wait for it.</summary>
    internal Action? Polled { get; set; }

    /// <summary>Judges the files as they are now, without waiting for polls to agree: for a change that the gateway itself has written whole.</summary>
    /// <returns>What is wrong; empty: the files are in force.</returns>
    public IReadOnlyList<ConfigProblem> Reload()
    {
        lock (_gate)
        {
            _seen = ConfigFileSet.Read(_loader.Host);
            _agreeing = MissingPolls;
            return Judge(_seen);
        }
    }

    /// <summary>One step of the watch.</summary>
    internal void Poll()
    {
        lock (_gate)
        {
            var now = ConfigFileSet.Read(_loader.Host);
            if (!now.IsSameAs(_seen))
            {
                _seen = now;
                _agreeing = 1;
                return;
            }

            _agreeing = Math.Min(_agreeing + 1, MissingPolls);
            var needed = now.All.Any(file => file.State == ConfigFileState.Missing && !file.IsSameAs(_judged.Of(file.Location.Kind))) ? MissingPolls : 2;
            if (_agreeing >= needed && !now.IsSameAs(_judged))
            {
                Judge(now);
            }
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                TryPoll();
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>The watch must outlive whatever a file system does.</summary>
    private void TryPoll()
    {
        try
        {
            Poll();
        }
        catch (Exception exception)
        {
            Log.PollFailed(_logger, exception);
        }

        Polled?.Invoke();
    }

    /// <summary>
    /// Refused files keep their last good content, and what is good with that goes into force: a typing error in one file
    /// must not hold back a key that is revoked in another.
    /// </summary>
    private List<ConfigProblem> Judge(ConfigFileSet now)
    {
        var changed = now.All.Where(file => !file.IsSameAs(_judged.Of(file.Location.Kind))).Select(file => file.Location).ToList();
        _judged = now;
        var problems = new List<ConfigProblem>();
        var attempt = now;
        while (true)
        {
            var result = Load(attempt);
            if (result.IsAccepted)
            {
                PutInForce(attempt, result);
                break;
            }

            problems.AddRange(result.Problems.Except(problems));
            if (FallBack(attempt, result.Problems) is not { } older)
            {
                break;
            }

            attempt = older;
        }

        Tell(changed, problems);
        return problems;
    }

    private ConfigLoadResult Load(ConfigFileSet files)
    {
        var result = _loader.Load(files, _source.Current.Revision + 1);
        var findings = _rules.Check(result);
        return result with { Problems = [.. result.Problems, .. findings.Problems] };
    }

    /// <summary>The same files with the refused ones as they last were good; null where nothing older is left to try.</summary>
    private ConfigFileSet? FallBack(ConfigFileSet attempt, IReadOnlyList<ConfigProblem> problems)
    {
        var older = attempt;
        foreach (var kind in problems.Select(problem => problem.File).OfType<ConfigFileKind>().Distinct())
        {
            older = older.With(_good.Of(kind));
        }

        // A problem between files names the one that refers to another; if that one has not changed, all go back.
        if (older.IsSameAs(attempt))
        {
            older = _good;
        }

        return older.IsSameAs(attempt) ? null : older;
    }

    private void PutInForce(ConfigFileSet files, ConfigLoadResult result)
    {
        if (files.IsSameAs(_good))
        {
            return;
        }

        _good = files;
        _source.Accept(result.Candidate);
        foreach (var notice in result.Notices)
        {
            Log.Notice(_logger, notice);
        }

        Log.InForce(_logger, result.Candidate.Revision);
    }

    private void Tell(List<ConfigFileLocation> changed, List<ConfigProblem> problems)
    {
        _source.SetProblem(_good.IsSameAs(_judged) ? null : string.Join("; ", problems));
        foreach (var problem in problems)
        {
            Log.Refused(_logger, problem.ToString());
        }

        foreach (var location in changed)
        {
            var isInForce = _good.Of(location.Kind).IsSameAs(_judged.Of(location.Kind));
            _source.Report(new ConfigReload(location.Label, isInForce));
        }
    }

    private static partial class Log
    {
        [LoggerMessage(1101, LogLevel.Information, "Configuration revision {Revision} is in force")]
        public static partial void InForce(ILogger logger, long revision);

        [LoggerMessage(1102, LogLevel.Error, "Configuration refused, the last good one stays: {Problem}")]
        public static partial void Refused(ILogger logger, string problem);

        [LoggerMessage(1103, LogLevel.Warning, "Configuration: {Notice}")]
        public static partial void Notice(ILogger logger, string notice);

        [LoggerMessage(1104, LogLevel.Error, "The configuration files could not be looked at; trying again")]
        public static partial void PollFailed(ILogger logger, Exception exception);
    }
}
