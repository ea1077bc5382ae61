using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace LlmGateway.Configuration;

/// <summary>
/// Changes single agents in the agents file: what would be refused is never written, what is written is written whole (a new file in the old
/// one's place), and it is in force when the change returns. Comments in the file are not kept.
/// Gateways that share the file change it one after the other. What an editor saves meanwhile is read again and built on, so that each side
/// loses at most what the other has written to the same agent; only an editor that saves in the instant of the replacement is overwritten.
/// </summary>
public sealed class AgentsFile(ConfigStart start, ConfigWatcher watcher, TimeProvider time) : IDisposable
{
    private const string Agents = "agents";
    private const int MaxLooks = 10;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private static readonly JsonDocumentOptions Reading = new() { AllowTrailingCommas = true, CommentHandling = JsonCommentHandling.Skip, MaxDepth = 64, AllowDuplicateProperties = false };
    private static readonly JsonSerializerOptions Writing = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly SemaphoreSlim _one = new(1, 1);

    /// <summary>All agents as the file has them, by name.</summary>
    public IReadOnlyList<KeyValuePair<string, JsonObject>> List() =>
        Parse(Content()) is { } root && root[Agents] is JsonObject agents
            ? [.. agents.Where(agent => agent.Value is JsonObject).Select(agent => KeyValuePair.Create(agent.Key, agent.Value!.AsObject()))]
            : [];

    /// <summary>Adds an agent or takes the place of the one of this name.</summary>
    public Task<AgentsFileChange> PutAsync(string name, JsonElement agent, CancellationToken cancellationToken) => ChangeAsync(
        agents =>
        {
            agents[name] = JsonNode.Parse(agent.GetRawText(), documentOptions: Reading);
            return true;
        },
        cancellationToken);

    /// <summary>Takes an agent out; <see cref="AgentsFileOutcome.NotFound"/> where there is none of this name.</summary>
    public Task<AgentsFileChange> DeleteAsync(string name, CancellationToken cancellationToken) => ChangeAsync(agents => agents.Remove(name), cancellationToken);

    public void Dispose() => _one.Dispose();

    private async Task<AgentsFileChange> ChangeAsync(Func<JsonObject, bool> change, CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var location = start.Host.AgentsFile;
            var (held, isBusy) = await SharedFileLock.TakeAsync(location.Path, time, cancellationToken);
            using (held)
            {
                return isBusy ? new(AgentsFileOutcome.ReadOnly, $"{location.DisplayName} is being changed by other gateways all the time; try again.")
                    : await ChangeInTurnAsync(change, cancellationToken);
            }
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Looks again while somebody else is about to save: his file may be half there, or replace the one that was read.</summary>
    private async Task<AgentsFileChange> ChangeInTurnAsync(Func<JsonObject, bool> change, CancellationToken cancellationToken)
    {
        for (var look = 1; ; look++)
        {
            var (result, isDisturbed) = Change(change);
            if (!isDisturbed || look == MaxLooks)
            {
                return result;
            }

            await Task.Delay(Pause, time, cancellationToken);
        }
    }

    private (AgentsFileChange Result, bool IsDisturbed) Change(Func<JsonObject, bool> change)
    {
        var files = ConfigFileSet.Read(start.Host);
        var root = files.Agents.State == ConfigFileState.Missing ? [] : Parse(files.Agents);
        if (root is null || (root[Agents] ?? new JsonObject()) is not JsonObject agents)
        {
            return (new(AgentsFileOutcome.ReadOnly, $"{files.Agents.Location.DisplayName} cannot be read as it is now. Mend it by hand first."), true);
        }

        if (!change(agents))
        {
            return (new(AgentsFileOutcome.NotFound, null), false);
        }

        root[Agents] = agents.Parent is null ? agents : root[Agents];
        var bytes = Encoding.UTF8.GetBytes(root.ToJsonString(Writing) + "\n");
        var candidate = files.With(files.Agents with { State = ConfigFileState.Read, Bytes = bytes, Failure = null, Fingerprint = "candidate" });
        var loaded = start.Loader.Load(candidate, revision: 1);
        ConfigProblem[] problems = [.. loaded.Problems, .. start.Rules.Check(loaded).Problems];
        if (bytes.Length > ConfigFileContent.MaxBytes)
        {
            return (new(AgentsFileOutcome.Invalid, "The agents file would become larger than 1 MiB."), false);
        }

        if (problems.Length > 0)
        {
            // Lines would be those of a file that nobody has seen.
            return (new(AgentsFileOutcome.Invalid, string.Join(" ", problems.Select(problem => (problem with { Line = null }).ToString()))), false);
        }

        var location = files.Agents.Location;
        if (AtomicFile.Replace(location.Path, bytes, () => ConfigFileContent.Read(location).IsSameAs(files.Agents)) is { } problem)
        {
            var why = $"{location.DisplayName} cannot be written by the gateway: {problem}. Change it where it comes from, or give the gateway the right to write it and its folder.";
            return (new(AgentsFileOutcome.ReadOnly, why), problem == AtomicFile.ChangedMeanwhile);
        }

        watcher.Reload();
        return (new(AgentsFileOutcome.Changed, null), false);
    }

    private ConfigFileContent Content() => ConfigFileContent.Read(start.Host.AgentsFile);

    private static JsonObject? Parse(ConfigFileContent content)
    {
        try
        {
            return content.State == ConfigFileState.Read ? JsonNode.Parse(content.Bytes.AsSpan().TrimStart("\uFEFF"u8), documentOptions: Reading) as JsonObject : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
