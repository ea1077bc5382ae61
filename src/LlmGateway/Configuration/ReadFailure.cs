namespace LlmGateway.Configuration;

/// <summary>Why a file that is there gives nothing to read; never its content.</summary>
/// <param name="Reason">As of <see cref="ConfigProblem"/>.</param>
/// <param name="Remedy">What to do about it.</param>
internal sealed record ReadFailure(string Reason, string Remedy)
{
    public static readonly ReadFailure Directory = new("is a directory", "Put the file in its place; a container engine makes a directory where the file to be mounted does not exist.");
    public static readonly ReadFailure TooLarge = new("is larger than 1 MiB", "Make it smaller.");
    public static readonly ReadFailure NotOrdinary = new("is no ordinary file, or grew while it was read", "Put an ordinary file in its place.");
    public static readonly ReadFailure Forbidden = new("may not be read (permissions)", "Let the user that the gateway runs as read it and enter its folder (chmod, chown).");
    public static readonly ReadFailure Other = new("cannot be read", "Check the disk, and that its path leads to a file.");
}
