namespace LlmGateway.Model;

/// <summary>Which gateway tools a request called and what they said.</summary>
public sealed class ToolTrace
{
    private readonly Lock _gate = new();
    private readonly List<ToolCallResult> _results = [];

    /// <summary>Every call, in the order in which the model made them.</summary>
    public IReadOnlyList<ToolCallResult> Results
    {
        get
        {
            lock (_gate)
            {
                return [.. _results];
            }
        }
    }

    /// <summary>The tools' names, each once, in the order of their first call.</summary>
    public IReadOnlyList<string> Used => [.. Results.Select(result => result.Tool).Distinct(StringComparer.Ordinal)];

    /// <summary>Adds the results of one round.</summary>
    public void Add(IEnumerable<ToolCallResult> results)
    {
        lock (_gate)
        {
            _results.AddRange(results);
        }
    }
}
