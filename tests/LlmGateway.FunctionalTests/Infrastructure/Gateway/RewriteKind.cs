namespace LlmGateway.FunctionalTests.Infrastructure;

/// <summary>The ways in which configuration files change in the wild.</summary>
internal enum RewriteKind
{
    /// <summary>An editor that truncates and writes.</summary>
    InPlace,

    /// <summary>Written beside it and renamed over it.</summary>
    AtomicRename,

    /// <summary>Kubernetes: the folder's <c>..data</c> link is swapped; the file is a link through it.</summary>
    ConfigMapSwap,
}
